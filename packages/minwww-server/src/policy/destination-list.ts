import { createHash } from 'node:crypto'
import { ServerError } from '../errors.ts'
import type { Visitor } from '../fetch/http-types.ts'

/** Destinations by hash. An entry is a b32 address, the base64 of a Destination, or of its hash. */
export class DestinationList {
  readonly #hashes = new Set<string>()

  /** @throws ServerError MINWWW_EXIT_BAD_OPTION */
  constructor (entries: Iterable<string>) {
    for (const entry of entries) this.#hashes.add(hashOf(entry.trim()).toString('hex'))
  }

  get size (): number {
    return this.#hashes.size
  }

  has (visitor: Pick<Visitor, 'hash'>): boolean {
    return this.#hashes.size > 0 && this.#hashes.has(Buffer.from(visitor.hash).toString('hex'))
  }
}

const HASH = 32
/** Keys and a null certificate, the shortest Destination. */
const MIN_DESTINATION = 387
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567'

function hashOf (entry: string): Buffer {
  const b32 = /^([a-z2-7]{52})(\.b32\.i2p)?$/i.exec(entry)?.[1]
  if (b32 !== undefined) return fromBase32(b32.toLowerCase())
  if (/^[A-Za-z0-9~-]+=*$/.test(entry)) {
    const bytes = Buffer.from(entry.replaceAll('-', '+').replaceAll('~', '/'), 'base64')
    if (bytes.length === HASH) return bytes
    if (bytes.length >= MIN_DESTINATION) return createHash('sha256').update(bytes).digest()
  }
  throw new ServerError('MINWWW_EXIT_BAD_OPTION', `'${entry.slice(0, 60)}' is neither a b32 address nor the base64 of a Destination`)
}

function fromBase32 (text: string): Buffer {
  const bytes = Buffer.alloc(HASH)
  let bits = 0
  let value = 0
  let offset = 0
  for (const letter of text) {
    value = (value << 5 | ALPHABET.indexOf(letter)) & 0xfff
    bits += 5
    if (bits >= 8 && offset < HASH) {
      bits -= 8
      bytes[offset++] = value >> bits & 0xff
    }
  }
  return bytes
}
