import { ProtocolError } from './errors.ts'

/** What a request allows its exit to send beyond its answer (section 4.7). */
export interface PushGrant {
  /** Bytes of objects in all, as a rate code; 0 is none. */
  budget: number
  /** Hashes of addresses that this exit has sent in this session, and that are still fresh: `HASH` bytes each. */
  digest: Buffer
}

/** Bytes of one hash in a digest. */
export const HASH = 3
/** Entries that a digest may have: the block is at most 255 bytes. */
export const MAX_DIGEST = 84

/** Entries of the block: type, length, value. Those of other types are left out. */
const PUSH = 1
const ENTRY_HEADER = 2

/** Bytes of the block behind an object, its length included; 0 for none. */
export function blockLength (push: PushGrant | undefined): number {
  return push === undefined ? 0 : 1 + ENTRY_HEADER + 1 + push.digest.length
}

export function writeBlock (target: Buffer, at: number, push: PushGrant | undefined): void {
  if (push === undefined) return
  target[at] = blockLength(push) - 1
  target[at + 1] = PUSH
  target[at + 2] = 1 + push.digest.length
  target[at + 3] = push.budget
  target.set(push.digest, at + 4)
}

/** @param rest - what is behind the object; a zero, or nothing, is no block. @throws ProtocolError MINWWW_MALFORMED */
export function readBlock (rest: Buffer): { push?: PushGrant } {
  const end = 1 + (rest[0] ?? 0)
  if (end > Math.max(1, rest.length)) throw malformed('a block longer than its message')
  let push: PushGrant | undefined
  for (let at = 1; at < end;) {
    const start = at + ENTRY_HEADER
    const length = rest[at + 1] ?? 0
    if (start + length > end) throw malformed('an entry longer than its block')
    if (rest[at] === PUSH && length > 0) {
      const size = Math.floor((length - 1) / HASH) * HASH
      push = { budget: rest[start]!, digest: Buffer.from(rest.subarray(start + 1, start + 1 + size)) }
    }
    at = start + length
  }
  return push === undefined ? {} : { push }
}

function malformed (why: string): ProtocolError {
  return new ProtocolError('MINWWW_MALFORMED', why)
}
