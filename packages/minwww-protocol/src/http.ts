import { ProtocolError } from './errors.ts'
import { DESCRIPTOR_URL } from './exit-descriptor.ts'
import type { Part } from './messages.ts'
import { trimWhiteSpace } from './white-space.ts'

/** Bytes of a start line and its fields. */
export const MAX_HEAD = 32 * 1024
/** Fields of one message. */
export const MAX_FIELDS = 256
/** Bytes of a request's URL. */
export const MAX_URL = 8 * 1024

export type HeaderList = Array<[string, string]>

export interface HttpRequest {
  /** A token, upper or lower case as given. */
  method: string
  /** Absolute form: http:// or https://; or `DESCRIPTOR_URL`. */
  url: string
  headers: HeaderList
  body?: Buffer
}

export interface HttpResponse {
  /** 100..599. */
  status: number
  reason: string
  headers: HeaderList
  body: Buffer
}

/** Fields that belong to one connection; they never appear in an object (section 4). */
export const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection', 'te', 'trailer',
  'transfer-encoding', 'upgrade'
])

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/
const ABSOLUTE_URL = /^https?:\/\/[\x21-\x7e]+$/i
const REQUEST_LINE = /^([^ ]+) ([^ ]+) HTTP\/1\.1$/
const STATUS_LINE = /^HTTP\/1\.1 ([1-5][0-9]{2})(?: (.*))?$/
const END_OF_HEAD = Buffer.from('\r\n\r\n')

/** Request line in absolute form, fields, body. Throws MINWWW_BAD_HTTP for anything that `parseRequest` refuses. */
export function encodeRequestHead (request: HttpRequest): Buffer {
  checkRequestLine(request.method, request.url)
  return encode(`${request.method} ${request.url} HTTP/1.1`, request.headers, request.body)
}

/** Strict: CRLF, absolute form, no continuation lines, no hop-by-hop fields. Throws MINWWW_BAD_HTTP. */
export function parseRequest (bytes: Uint8Array): HttpRequest & { body: Buffer } {
  const { start, headers, body } = parse(bytes)
  const match = REQUEST_LINE.exec(start)
  if (match === null) throw bad('request line')
  const [, method, url] = match as unknown as [string, string, string]
  checkRequestLine(method, url)
  checkContentLength(headers, body, true)
  return { method, url, headers, body }
}

/** Status line, fields, body. Throws MINWWW_BAD_HTTP for anything that `parseResponse` refuses. */
export function encodeResponse (response: HttpResponse): Buffer {
  const reason = FIELD_VALUE.test(response.reason) ? response.reason : ''
  const start = `HTTP/1.1 ${response.status} ${reason}`
  if (!STATUS_LINE.test(start)) throw bad('status')
  return encode(start, response.headers, response.body)
}

/**
 * Strict, as `parseRequest`. The length of a body may differ from Content-Length only when it is empty (HEAD, 304), or
 * shorter because it is only the beginning of one.
 */
export function parseResponse (bytes: Uint8Array, part: Part = 'whole'): HttpResponse {
  const { start, headers, body } = parse(bytes)
  const match = STATUS_LINE.exec(start)
  if (match === null || !FIELD_VALUE.test(start)) throw bad('status line')
  checkContentLength(headers, body, false, part === 'beginning')
  return { status: Number(match[1]), reason: match[2] ?? '', headers, body }
}

function encode (start: string, headers: HeaderList, body: Uint8Array | undefined): Buffer {
  if (headers.length > MAX_FIELDS) throw bad('too many fields')
  let head = start + '\r\n'
  for (const [name, value] of headers) {
    checkField(name, value)
    head += `${name}: ${value}\r\n`
  }
  head += '\r\n'
  if (head.length > MAX_HEAD) throw bad('head too long')
  const bytes = Buffer.from(head, 'latin1')
  return body === undefined || body.length === 0 ? bytes : Buffer.concat([bytes, body])
}

function parse (bytes: Uint8Array): { start: string, headers: HeaderList, body: Buffer } {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const end = buffer.subarray(0, MAX_HEAD).indexOf(END_OF_HEAD)
  if (end < 0) throw bad('no end of head')
  const lines = buffer.toString('latin1', 0, end).split('\r\n', MAX_FIELDS + 2)
  if (lines.length > MAX_FIELDS + 1) throw bad('too many fields')
  return { start: lines[0]!, headers: lines.slice(1).map(parseField), body: buffer.subarray(end + END_OF_HEAD.length) }
}

function parseField (line: string): [string, string] {
  const colon = line.indexOf(':')
  const name = line.slice(0, Math.max(0, colon))
  const value = trimWhiteSpace(line.slice(colon + 1))
  checkField(name, value)
  return [name, value]
}

function checkField (name: string, value: string): void {
  if (!TOKEN.test(name) || !FIELD_VALUE.test(value)) throw bad('field')
  if (HOP_BY_HOP.has(name.toLowerCase())) throw bad(`hop-by-hop field ${name.toLowerCase()}`)
}

function checkRequestLine (method: string, url: string): void {
  if (!TOKEN.test(method)) throw bad('method')
  if (url === DESCRIPTOR_URL) return
  if (url.length > MAX_URL || !ABSOLUTE_URL.test(url)) throw bad('URL is not absolute')
}

function checkContentLength (headers: HeaderList, body: Buffer, isRequest: boolean, mayBeShort = false): void {
  const lengths = headers.filter(([name]) => name.toLowerCase() === 'content-length').map(([, value]) => value)
  if (lengths.length === 0) return
  if (lengths.length > 1 || !/^[0-9]{1,15}$/.test(lengths[0]!)) throw bad('Content-Length')
  const length = Number(lengths[0])
  if (mayBeShort && body.length <= length) return
  if (length !== body.length && (isRequest || body.length > 0)) throw bad('Content-Length and body differ')
}

function bad (what: string): ProtocolError {
  return new ProtocolError('MINWWW_BAD_HTTP', `malformed HTTP: ${what}`)
}
