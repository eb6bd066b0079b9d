import { open } from 'node:fs/promises'
import { writeAtomically } from '@minwww/ground/node'
import { I2cpError } from '../errors.ts'
import { LocalDestination } from './local-destination.ts'

/** No key file is longer: an RSA-4096 one is below it. bytes. */
const MAX_KEY_FILE = 16_384

/** Reads a private key file of this library, Java I2P or i2pd. Rejects with I2CP_BAD_KEYS, or the system's error. */
export async function loadKeys (file: string): Promise<LocalDestination> {
  const handle = await open(file, 'r')
  try {
    const { size } = await handle.stat()
    if (size > MAX_KEY_FILE) throw new I2cpError('I2CP_BAD_KEYS', 'the key file is too large')
    return LocalDestination.parse(await handle.readFile())
  } finally {
    await handle.close()
  }
}

/** Writes a private key file that only the owner can read. A crash leaves the old file or the new one, never half of it. */
export async function saveKeys (file: string, keys: LocalDestination): Promise<void> {
  await writeAtomically(file, keys.toBytes())
}

/** Reads the file, or makes new keys and writes them if there is none. */
export async function loadOrCreateKeys (file: string): Promise<LocalDestination> {
  try {
    return await loadKeys(file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  const keys = LocalDestination.generate()
  await saveKeys(file, keys)
  return keys
}
