/**
 * A second implementation of docs/reference/protocol.md, from its tables and the test vectors alone: nothing of @minwww/protocol is in
 * it. Only what the exchange of one page needs. The numbers in brackets are the sections.
 */
import { createHash, createHmac, createPrivateKey, createPublicKey, hkdfSync, sign, verify } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { deflateRawSync, inflateRawSync } from 'node:zlib'

export interface Vectors {
  keys: { secret: string, session: string, client: string, server: string }
  messages: Record<string, { fields: object, key: 'client' | 'server', bytes: string }>
  open: { seed: string, target: string, destination: string, body: string, datagram: string }
  descriptor: { seed: string, destination: string, date: number, expires: number, line: string }
  parity: Record<'hello' | 'group' | 'repairs', { bytes: string }> &
    { symbolLength: number, symbols: string[], packets: Array<{ body: string }> }
  dictionary: { base64: string }
  objects: Record<string, { bytes: string, text: string }>
  field: Array<{ a: number, b: number, product: number, inverse: number }>
  erasure: { small: { object: string, symbolLength: number, k: number, symbols: Record<string, string> } }
}
const file = new URL('../../packages/minwww-protocol/test/vectors/vectors.json', import.meta.url)
export const vectors = JSON.parse(readFileSync(file, 'utf8')) as Vectors

export const TYPE = {
  open: 1, request: 2, want: 3, reply: 4, error: 5, cancel: 6, body: 7, push: 8, report: 9, working: 10, parity: 11
} as const

const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest()

export interface Session { k: Buffer, id: Buffer, client: Buffer, server: Buffer }

/** [3] */
export function sessionOf (k: Buffer): Session {
  const derive = (info: string): Buffer => Buffer.from(hkdfSync('sha256', k, Buffer.alloc(0), info, 32))
  const id = sha256(Buffer.concat([Buffer.from('minwww/1 session'), k])).subarray(0, 8)
  return { k, id, client: derive('minwww/1 client'), server: derive('minwww/1 server') }
}

/** [3] 14 bytes. */
export function prefix (type: number, session: Session, id: number, attempt = 0, copy = 0): Buffer {
  const bytes = Buffer.alloc(14)
  bytes[0] = 1 << 4 | type
  bytes[1] = attempt << 4 | copy
  session.id.copy(bytes, 2)
  bytes.writeUInt32BE(id, 10)
  return bytes
}

const tagOf = (key: Buffer, bytes: Buffer): Buffer => createHmac('sha256', key).update(bytes).digest().subarray(0, 8)

/** [1, 3] Padded with zeros to `least` bytes in all, then the tag. */
export function tagged (key: Buffer, parts: Buffer[], least = 0): Buffer {
  const content = Buffer.concat(parts)
  const padded = Buffer.concat([content], Math.max(content.length, least - 8))
  return Buffer.concat([padded, tagOf(key, padded)])
}

/** What is before the tag; undefined if that is wrong. */
export function untagged (key: Buffer, message: Buffer): Buffer | undefined {
  const content = message.subarray(0, -8)
  return tagOf(key, content).equals(message.subarray(-8)) ? content : undefined
}

const u16 = (value: number): Buffer => { const bytes = Buffer.alloc(2); bytes.writeUInt16BE(value); return bytes }
const u32 = (value: number): Buffer => { const bytes = Buffer.alloc(4); bytes.writeUInt32BE(value); return bytes }

export interface Path { loss: number, rate: number, max: number, shape: number }

const requestPart = ({ loss, rate, max, shape }: Path, object: Buffer): Buffer[] =>
  [Buffer.of(loss, rate, max, shape), u16(object.length), object]

/** [4.7] The block that says how much may be pushed, and what need not be. */
export function pushBlock (budget: number, hashes: Buffer[]): Buffer {
  const value = Buffer.concat([Buffer.of(budget), ...hashes])
  return Buffer.concat([Buffer.of(value.length + 2, 1, value.length), value])
}

/** [4.8] The block of a request that is carried out once. */
export function onceBlock (incarnation: Buffer, time: number, token: Buffer): Buffer {
  const value = Buffer.concat([incarnation, u32(time), token])
  return Buffer.concat([Buffer.of(value.length + 2, 2, value.length), value])
}

/** [4.7, 4.8] A block, and what is behind it. */
export function readOnce (bytes: Buffer): { incarnation: Buffer, time: number, token: Buffer, rest: Buffer } {
  if (bytes[0] !== 30 || bytes[1] !== 2 || bytes[2] !== 28) throw new Error('not the block of one request')
  return { incarnation: bytes.subarray(3, 11), time: bytes.readUInt32BE(11), token: bytes.subarray(15, 31), rest: bytes.subarray(31) }
}

/** [4.7] What a digest has of an address. */
export const hashOf = (url: string): Buffer => sha256(Buffer.from(url)).subarray(0, 3)

/** [4.7] The promises in front of a message, and the message. */
export function readPromises (text: string): { promises: Array<[id: number, url: string]>, message: string } {
  const lines = text.split('\r\n')
  const count = lines.findIndex(line => !line.startsWith('+'))
  const promises = lines.slice(0, count).map((line): [number, string] => [Number.parseInt(line.slice(1, 9), 16), line.slice(10)])
  return { promises, message: lines.slice(count).join('\r\n') }
}

/** [4.1] What is signed, without the envelope. */
export function openBody (session: Session, id: number, time: number, path: Path, object: Buffer, attempt = 0): Buffer {
  return Buffer.concat([prefix(TYPE.open, session, id, attempt), u32(time), session.k, ...requestPart(path, object)])
}

/** [4.1] */
export function request (
  session: Session, id: number, path: Path, object: Buffer, attempt = 0, least = 683, block: Buffer = Buffer.alloc(0)
): Buffer {
  return tagged(session.client, [prefix(TYPE.request, session, id, attempt), ...requestPart(path, object), block], least)
}

/** [9.1] What of a packet is covered: kind 0 is data, 1 a CLOSE. */
export function covered (from: number, sequence: number, kind: number, body: Buffer, length: number): Buffer {
  const hash = sha256(Buffer.concat([u32(from), u32(sequence), Buffer.of(kind), body])).subarray(0, 4)
  return Buffer.concat([u16(body.length), Buffer.of(kind), hash, body], length)
}

/** [9.1] */
export function hello (channel: Session, number: number, stream: number): Buffer {
  return tagged(channel.client, [prefix(TYPE.parity, channel, number), channel.k, u32(stream)], 683)
}

export interface Group { to: number, from: number, first: number, count: number, index: number, symbol: Buffer }

/** [9.1] */
export function group (channel: Session, number: number, { to, from, first, count, index, symbol }: Group): Buffer {
  const fields = [u32(to), u32(from), u32(first), Buffer.of(count, index), u16(symbol.length), symbol]
  return tagged(channel.client, [prefix(TYPE.parity, channel, number, 0, 1), ...fields], 683)
}

/** [9.1] */
export function repairs (channel: Session, number: number, to: number, from: number, rebuilt: number, repeated: number): Buffer {
  return tagged(channel.client, [prefix(TYPE.parity, channel, number, 0, 2), u32(to), u32(from), u32(rebuilt), u32(repeated)], 683)
}

/** [4.2] */
export function want (session: Session, id: number, path: Path, from: number, count: number, attempt: number, least = 683): Buffer {
  const fields = Buffer.of(path.loss, path.rate, path.shape, from, count)
  return tagged(session.client, [prefix(TYPE.want, session, id, attempt), fields], least)
}

/** [4.4] */
export function cancel (session: Session, id: number, attempt: number, least = 683): Buffer {
  return tagged(session.client, [prefix(TYPE.cancel, session, id, attempt)], least)
}

export interface Reply { part?: number, size: number, index: number, last: number, pace: number, time: number, symbol: Buffer }

/** [4.3] */
export function reply (
  session: Session, id: number, { part = 0, size, index, last, pace, time, symbol }: Reply, attempt = 0, copy = 0
): Buffer {
  const fields = Buffer.concat([u32(part << 20 | size).subarray(1), Buffer.of(index, last, pace), u16(time)])
  return tagged(session.server, [prefix(TYPE.reply, session, id, attempt, copy), fields, symbol])
}

/** [4.3] As a REPLY, by the client. */
export function body (session: Session, id: number, { size, index, last, pace, time, symbol }: Reply, attempt = 0): Buffer {
  const fields = Buffer.concat([u32(size).subarray(1), Buffer.of(index, last, pace), u16(time)])
  return tagged(session.client, [prefix(TYPE.body, session, id, attempt), fields, symbol])
}

/** [4.7] As a REPLY. */
export function push (session: Session, id: number, { size, index, last, pace, time, symbol }: Reply, attempt = 0): Buffer {
  const fields = Buffer.concat([u32(size).subarray(1), Buffer.of(index, last, pace), u16(time)])
  return tagged(session.server, [prefix(TYPE.push, session, id, attempt), fields, symbol])
}

export function readReply (content: Buffer): Reply & { part: number } {
  const [index, last, pace] = content.subarray(17) as unknown as [number, number, number]
  const size = content.readUIntBE(14, 3)
  return { part: size >> 20, size: size & 0xfffff, index, last, pace, time: content.readUInt16BE(20), symbol: content.subarray(22) }
}

/** [4.4] */
export function working (session: Session, id: number, next: number, attempt = 0, least = 683): Buffer {
  return tagged(session.server, [prefix(TYPE.working, session, id, attempt), Buffer.of(next)], least)
}

export interface Failure { code: number, size?: number, detail?: string }

/** [4.4] Without a time to wait. */
export function error (session: Session, id: number, { code, size = 0, detail = '' }: Failure, attempt = 0, least = 683): Buffer {
  const fields = [Buffer.of(code), u16(0), u32(size), Buffer.from(detail)]
  return tagged(session.server, [prefix(TYPE.error, session, id, attempt), ...fields], least)
}

const DICTIONARY = Buffer.from(vectors.dictionary.base64, 'base64')

/** [4.5] Codings 0 and 1. */
export function readObject (object: Buffer): Buffer {
  const rest = object.subarray(1)
  if (object[0] === 0) return rest
  if (object[0] === 1) return inflateRawSync(rest, { dictionary: DICTIONARY })
  throw new Error(`coding ${object[0]}`)
}

export const writeObject = (message: Buffer): Buffer => Buffer.concat([Buffer.of(1), deflateRawSync(message, { dictionary: DICTIONARY })])

/** [4.6] Slowly: bit by bit. */
export function multiply (a: number, b: number): number {
  let product = 0
  for (; b > 0; b >>= 1) {
    if ((b & 1) === 1) product ^= a
    a = (a & 0x80) === 0 ? a << 1 : a << 1 ^ 0x11d
  }
  return product
}

export function inverse (a: number): number {
  for (let b = 1; b < 256; b++) if (multiply(a, b) === 1) return b
  throw new RangeError('0 has no inverse')
}

/** [4.6] Symbol i of an object. */
export function symbolOf (object: Buffer, length: number, i: number): Buffer {
  const k = Math.ceil(object.length / length)
  const data = Array.from({ length: k }, (_, j) => Buffer.concat([object.subarray(j * length, (j + 1) * length)], length))
  if (i < k) return data[i]!
  return data.reduce((sum: Buffer, symbol, j) => add(sum, symbol, inverse(i ^ j)), Buffer.alloc(length))
}

/** Adds to a sum a row times a factor. */
const add = (sum: Buffer, row: Buffer, factor: number): Buffer => Buffer.from(sum.map((byte, at) => byte ^ multiply(factor, row[at]!)))

/** [4.6] Any k symbols: Gauss and Jordan on the rows of the whole matrix. */
export function decode (size: number, symbols: ReadonlyMap<number, Buffer>): Buffer {
  const rows = [...symbols].map(([i, symbol]) => ({ i, symbol }))
  const k = Math.ceil(size / rows[0]!.symbol.length)
  const system: Array<{ factors: Buffer, symbol: Buffer }> = rows.slice(0, k).map(({ i, symbol }) => ({
    factors: Buffer.from(Array.from({ length: k }, (_, j) => i < k ? Number(i === j) : inverse(i ^ j))), symbol
  }))
  for (let column = 0; column < k; column++) {
    const pivot = system.findIndex(({ factors }, row) => row >= column && factors[column] !== 0)
    const [chosen] = system.splice(pivot, 1)
    const scale = inverse(chosen!.factors[column]!)
    const scaled = (row: Buffer): Buffer => add(Buffer.alloc(row.length), row, scale)
    const unit = { factors: scaled(chosen!.factors), symbol: scaled(chosen!.symbol) }
    system.forEach((row, at) => {
      const factor = row.factors[column]!
      system[at] = { factors: add(row.factors, unit.factors, factor), symbol: add(row.symbol, unit.symbol, factor) }
    })
    system.splice(column, 0, unit)
  }
  return Buffer.concat(system.map(({ symbol }) => symbol)).subarray(0, size)
}

/** An Ed25519 Destination: 352 unused bytes, the key, a key certificate. */
/** As I2P's addresses have it: five bits a letter, without padding. */
function base32 (bytes: Buffer): string {
  let text = ''
  for (let bit = 0; bit < bytes.length * 8; bit += 5) {
    const two = (bytes[bit >> 3]! << 8 | (bytes[(bit >> 3) + 1] ?? 0)) >> (11 - bit % 8) & 31
    text += 'abcdefghijklmnopqrstuvwxyz234567'[two]!
  }
  return text
}

export class Destination {
  readonly bytes: Buffer
  readonly #key: KeyObject

  constructor (seed: Buffer, unused: Buffer = Buffer.alloc(352, 7)) {
    const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed])
    this.#key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
    const publicKey = createPublicKey(this.#key).export({ format: 'der', type: 'spki' }).subarray(-32)
    this.bytes = Buffer.concat([unused, publicKey, Buffer.from('05000400070000', 'hex')])
  }

  /** [3] A Datagram2 to the Destination with this hash. */
  datagram (target: Buffer, payload: Buffer): Buffer {
    const signed = Buffer.concat([u16(2), payload])
    return Buffer.concat([this.bytes, signed, sign(null, Buffer.concat([target, signed]), this.#key)])
  }

  /** [10] */
  describes (properties: string[]): string {
    const base64 = (bytes: Buffer): string => bytes.toString('base64').replaceAll('+', '-').replaceAll('/', '~')
    const unsigned = `${base32(sha256(this.bytes))}.b32.i2p=${base64(this.bytes)}#!${properties.join('#')}`
    return `${unsigned}#sig=${base64(sign(null, Buffer.from(unsigned), this.#key))}`
  }
}

/** [3] The payload of a Datagram2 for `target`; undefined if its signature is wrong. */
export function readDatagram (target: Buffer, bytes: Buffer): Buffer | undefined {
  const key = createPublicKey({
    key: Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), bytes.subarray(352, 384)]), format: 'der', type: 'spki'
  })
  const signed = bytes.subarray(391, -64)
  if (signed.readUInt16BE() !== 2 || !verify(null, Buffer.concat([target, signed]), key, bytes.subarray(-64))) return undefined
  return signed.subarray(2)
}
