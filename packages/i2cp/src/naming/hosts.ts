import { open } from 'node:fs/promises'
import { Destination } from '../data/destination.ts'
import { I2cpError } from '../errors.ts'

/** Longest hosts file read, bytes: some 50,000 names. */
export const MAX_HOSTS_FILE = 32 * 1024 * 1024

/** Names from hosts files: `name=base64` lines, `#` comments, as in Java I2P's hosts.txt. */
export class Hosts {
  readonly #base64 = new Map<string, string>()

  get size (): number { return this.#base64.size }

  /** Adds the names of a file's text; those already known stay. Lines that are none are skipped. */
  add (text: string): this {
    for (const line of text.split(/\r?\n/)) {
      const equals = line.indexOf('=')
      if (equals <= 0 || line.startsWith('#')) continue
      const name = line.slice(0, equals).trim().toLowerCase()
      // What follows the Destination ("#!sig=...") is metadata of the subscription.
      const base64 = line.slice(equals + 1).split('#', 1)[0]!.trim()
      if (!this.#base64.has(name)) this.#base64.set(name, base64)
    }
    return this
  }

  /** Parsed when asked for. Throws I2CP_BAD_ADDRESS or I2CP_MALFORMED when the entry is damaged. */
  get (name: string): Destination | undefined {
    const base64 = this.#base64.get(name.toLowerCase())
    return base64 === undefined ? undefined : Destination.fromBase64(base64)
  }
}

/** Reads hosts files, the first with a name wins. Rejects with the system's error, or I2CP_BAD_ADDRESS above 32 MiB. */
export async function loadHosts (...files: string[]): Promise<Hosts> {
  const hosts = new Hosts()
  for (const file of files) {
    const handle = await open(file, 'r')
    try {
      if ((await handle.stat()).size > MAX_HOSTS_FILE) throw new I2cpError('I2CP_BAD_ADDRESS', 'hosts file too large')
      hosts.add(await handle.readFile('utf8'))
    } finally {
      await handle.close()
    }
  }
  return hosts
}
