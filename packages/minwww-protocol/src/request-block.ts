import { ProtocolError } from './errors.ts'

/** What a request allows its exit to send beyond its answer (section 4.7). */
export interface PushGrant {
  /** Bytes of objects in all, as a rate code; 0 is none. */
  budget: number
  /** Hashes of addresses that this exit has sent in this session, and that are still fresh: `HASH` bytes each. */
  digest: Buffer
}

/** What makes a request one that its exit carries out at most once (section 4.8). */
export interface Once {
  /** `INCARNATION` bytes: of the exit that may carry it out. */
  incarnation: Buffer
  /** Seconds since 1970, by the client's router: when the token was made. */
  time: number
  /** `TOKEN` bytes by chance. */
  token: Buffer
}

/** What a request says besides its object. Both together do not fit: what changes something is no page. */
export interface RequestBlock { readonly push?: PushGrant, readonly once?: Once }

/** Bytes of one hash in a digest. */
export const HASH = 3
/** Entries that a digest may have: the block is at most 255 bytes. */
export const MAX_DIGEST = 84
/** Bytes that an exit chooses by chance at its start. */
export const INCARNATION = 8
/** Bytes by which a request is known, whatever brings it. */
export const TOKEN = 16

/** Entries of the block: type, length, value. Those of other types are left out. */
const PUSH = 1
const ONCE = 2
const ENTRY_HEADER = 2
const TIME = 4
const ONCE_LENGTH = INCARNATION + TIME + TOKEN
const MAX_BLOCK = 255

/** Bytes of the block of a request with a token. */
export const ONCE_BLOCK = 1 + ENTRY_HEADER + ONCE_LENGTH

/** Bytes of the block, its length included; 0 for none. */
export function blockLength (block: RequestBlock): number {
  const length = entriesLength(block)
  return length === 0 ? 0 : 1 + length
}

/** Writes `blockLength` bytes. @throws RangeError for more than a block holds */
export function writeBlock (target: Buffer, at: number, block: RequestBlock): void {
  const length = entriesLength(block)
  if (length > MAX_BLOCK) throw new RangeError(`a block of ${length} bytes`)
  if (length === 0) return
  target[at] = length
  const { push, once } = block
  let next = at + 1
  if (push !== undefined) {
    target.set([PUSH, 1 + push.digest.length, push.budget], next)
    target.set(push.digest, next + 3)
    next += ENTRY_HEADER + 1 + push.digest.length
  }
  if (once === undefined) return
  target.set([ONCE, ONCE_LENGTH], next)
  target.set(once.incarnation.subarray(0, INCARNATION), next + ENTRY_HEADER)
  target.writeUInt32BE(once.time >>> 0, next + ENTRY_HEADER + INCARNATION)
  target.set(once.token.subarray(0, TOKEN), next + ENTRY_HEADER + INCARNATION + TIME)
}

/** @param rest - begins with the block; a zero, or nothing, is no block. @throws ProtocolError MINWWW_MALFORMED */
export function readBlock (rest: Buffer): RequestBlock {
  const end = 1 + (rest[0] ?? 0)
  if (end > Math.max(1, rest.length)) throw malformed('a block longer than its message')
  const block: { push?: PushGrant, once?: Once } = {}
  for (let at = 1; at < end;) {
    const start = at + ENTRY_HEADER
    const length = rest[at + 1] ?? 0
    if (start + length > end) throw malformed('an entry longer than its block')
    const value = rest.subarray(start, start + length)
    if (rest[at] === PUSH && length > 0) block.push = readPush(value)
    if (rest[at] === ONCE && length >= ONCE_LENGTH) block.once = readOnce(value)
    at = start + length
  }
  return block
}

/** What is cut into BODY symbols: the block, one zero where there is none, and the object. */
export function joinBlock (block: RequestBlock, object: Buffer): Buffer {
  const length = Math.max(1, blockLength(block))
  const joined = Buffer.alloc(length + object.length)
  writeBlock(joined, 0, block)
  joined.set(object, length)
  return joined
}

/** Undoes `joinBlock`; `object` is a view. @throws ProtocolError MINWWW_MALFORMED */
export function splitBlock (joined: Buffer): { block: RequestBlock, object: Buffer } {
  if (joined.length === 0) throw malformed('a request without a block')
  return { block: readBlock(joined), object: joined.subarray(1 + joined[0]!) }
}

function entriesLength ({ push, once }: RequestBlock): number {
  return (push === undefined ? 0 : ENTRY_HEADER + 1 + push.digest.length) + (once === undefined ? 0 : ENTRY_HEADER + ONCE_LENGTH)
}

function readPush (value: Buffer): PushGrant {
  const size = Math.floor((value.length - 1) / HASH) * HASH
  return { budget: value[0]!, digest: Buffer.from(value.subarray(1, 1 + size)) }
}

function readOnce (value: Buffer): Once {
  const token = INCARNATION + TIME
  return {
    incarnation: Buffer.from(value.subarray(0, INCARNATION)),
    time: value.readUInt32BE(INCARNATION),
    token: Buffer.from(value.subarray(token, token + TOKEN))
  }
}

function malformed (why: string): ProtocolError {
  return new ProtocolError('MINWWW_MALFORMED', why)
}
