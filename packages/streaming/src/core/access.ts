import { fromBase32, fromBase64 } from '@minwww/i2cp/codec'
import { StreamingError } from '../errors.ts'
import type { StreamingOptions } from './options.ts'

type AccessOptions = Pick<StreamingOptions, 'accessList' | 'enableAccessList' | 'enableBlackList' | 'blacklist'>

const HASH_LENGTH = 32
const B32_SUFFIX = '.b32.i2p'

/** Who may connect: the access list as white list or black list of this Destination, and the blacklist of all. */
export class AccessList {
  readonly #list: ReadonlySet<string>
  readonly #blacklist: ReadonlySet<string>
  readonly #mode: 'off' | 'white' | 'black'

  /** Throws STREAMING_BAD_OPTION for an entry that is no hash. */
  constructor (options: AccessOptions) {
    this.#list = hashes(options.accessList)
    this.#blacklist = hashes(options.blacklist)
    this.#mode = options.enableAccessList ? 'white' : options.enableBlackList ? 'black' : 'off'
  }

  /** `peer`: hex of the hash of the Destination. */
  admits (peer: string): boolean {
    if (this.#blacklist.has(peer)) return false
    return this.#mode === 'off' || this.#list.has(peer) === (this.#mode === 'white')
  }
}

export function hashes (entries: readonly string[]): Set<string> {
  return new Set(entries.map(entry => hashOf(entry).toString('hex')))
}

function hashOf (entry: string): Buffer {
  try {
    const bytes = entry.endsWith(B32_SUFFIX) ? fromBase32(entry.slice(0, -B32_SUFFIX.length)) : fromBase64(entry)
    if (bytes.length === HASH_LENGTH) return Buffer.from(bytes)
  } catch {}
  throw new StreamingError('STREAMING_BAD_OPTION', `not the base64 or b32 of a hash: ${entry}`)
}

/** The list may name hosts; those cannot be compared with a Destination. */
export function isHostName (entry: string): boolean {
  return entry.endsWith('.i2p') && !entry.endsWith('.b32.i2p')
}
