import { createHash } from 'node:crypto'
import { ProtocolError } from './errors.ts'
import { encodeRequestHead, MAX_HEAD, parseRequest, type HeaderList } from './http.ts'
import { HASH } from './request-block.ts'

/** Ids of pushes are the exit's own: they have the top bit. */
export const PUSH_IDS = 0x80000000
/** Promises in front of one message, and characters of the address of each. */
export const MAX_PROMISES = 128
export const MAX_PROMISED_URL = 2_048

/** What an exit is about to send without being asked. */
export interface Promised { readonly id: number, readonly url: string }

const PLUS = 0x2b
const LINE = /^\+([89a-f][0-9a-f]{7}) (http:\/\/[\x21-\x7e]+)$/
const END_OF_LINE = Buffer.from('\r\n')
const END_OF_HEAD = Buffer.from('\r\n\r\n')

/** Lines that stand in front of a response (section 4.7). */
export function encodePromises (promises: readonly Promised[]): Buffer {
  return Buffer.from(promises.map(({ id, url }) => `+${id.toString(16)} ${url}\r\n`).join(''), 'latin1')
}

/**
 * The promises in front of a message, and the message behind them. Without `whole`, the bytes may be its beginning: undefined
 * where they end among the promises.
 * @throws ProtocolError MINWWW_BAD_HTTP for lines that are none
 */
export function splitPromises (bytes: Buffer): { promises: Promised[], message: Buffer } | undefined {
  const promises: Promised[] = []
  let at = 0
  while (bytes[at] === PLUS) {
    const end = bytes.subarray(at, at + MAX_PROMISED_URL + 16).indexOf(END_OF_LINE)
    if (end < 0) {
      if (bytes.length - at > MAX_PROMISED_URL + 16) throw new ProtocolError('MINWWW_BAD_HTTP', 'a promise without an end')
      return undefined
    }
    const match = LINE.exec(bytes.toString('latin1', at, at + end))
    if (match === null || promises.length >= MAX_PROMISES) throw new ProtocolError('MINWWW_BAD_HTTP', 'promise')
    promises.push({ id: Number.parseInt(match[1]!, 16), url: match[2]! })
    at += end + END_OF_LINE.length
  }
  return at >= bytes.length ? undefined : { promises, message: bytes.subarray(at) }
}

/** The object of a push says which request it answers. */
export interface PushedObject {
  readonly url: string
  readonly headers: HeaderList
  readonly promises: readonly Promised[]
  /** The response. */
  readonly message: Buffer
}

/** @param message - the response, with promises in front of it if there are any */
export function encodePushed (url: string, headers: HeaderList, message: Buffer): Buffer {
  return Buffer.concat([encodeRequestHead({ method: 'GET', url, headers }), message])
}

/** @throws ProtocolError MINWWW_BAD_HTTP */
export function parsePushed (bytes: Buffer): PushedObject {
  const end = bytes.subarray(0, MAX_HEAD).indexOf(END_OF_HEAD)
  const { method, url, headers } = parseRequest(bytes.subarray(0, end + END_OF_HEAD.length))
  const split = splitPromises(bytes.subarray(end + END_OF_HEAD.length))
  if (method !== 'GET' || split === undefined) throw new ProtocolError('MINWWW_BAD_HTTP', 'no response behind the request')
  return { url, headers, ...split }
}

/** What a digest has of an address. */
export function addressHash (url: string): Buffer {
  return createHash('sha256').update(url).digest().subarray(0, HASH)
}
