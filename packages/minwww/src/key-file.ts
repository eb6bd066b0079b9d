import { stat } from 'node:fs/promises'
import { loadKeys, loadOrCreateKeys, type LocalDestination } from '@minwww/i2cp'
import { CliError, explain } from './errors.ts'

/** Bits of a mode that let anybody but the owner at a file. */
const OTHERS = 0o077

/** Reads a key file. Throws CliError if it cannot be read, if others can read it, or if it holds no keys. */
export async function readKeys (file: string, option?: string): Promise<LocalDestination> {
  await checkMode(file, option)
  return await loadKeys(file).catch((error: unknown) => { throw explain(error, file, option) })
}

/** Reads a key file, or makes one with new keys, for its owner alone. */
export async function readOrMakeKeys (file: string, option: string): Promise<LocalDestination> {
  if (await exists(file)) return await readKeys(file, option)
  return await loadOrCreateKeys(file).catch((error: unknown) => { throw explain(error, file, option) })
}

/** True for whatever there is of that name, also if it cannot be read. */
export async function exists (file: string): Promise<boolean> {
  return await stat(file).then(() => true, (error: NodeJS.ErrnoException) => error.code !== 'ENOENT')
}

/** Who has the private keys is the Destination: they are nobody else's to read, nor to replace. */
async function checkMode (file: string, option: string | undefined): Promise<void> {
  const { mode } = await stat(file).catch((error: unknown) => { throw explain(error, file, option) })
  // Windows has no such modes.
  if (process.platform === 'win32' || (mode & OTHERS) === 0) return
  const octal = (mode & 0o777).toString(8).padStart(4, '0')
  throw new CliError(
    'MINWWW_KEYS_OPEN', `${file}: others can get at these private keys (mode ${octal}); make them yours alone: chmod 600 ${file}`
  )
}
