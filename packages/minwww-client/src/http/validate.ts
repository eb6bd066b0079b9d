import type { IncomingMessage } from 'node:http'
import { ProxyError } from './failures.ts'
import { pairs, valuesOf, type Fields } from './fields.ts'

/** Longest request line or field line, bytes. */
export const MAX_LINE = 8_192
/** Most fields of a request. */
export const MAX_FIELDS = 64
/** Largest header section with the request line, bytes. */
export const MAX_HEAD = 32_768

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/
/** Fields that must not come twice: two readers could choose differently. */
const SINGLE = [
  'host', 'content-length', 'transfer-encoding', 'content-type', 'authorization', 'proxy-authorization', 'range', 'origin', 'referer',
  'expect', 'upgrade'
]

/**
 * What node's strict parser lets through and this proxy does not. The parser itself (insecureHTTPParser never set) has
 * refused both lengths at once, unequal or repeated lengths, folded lines, bare LF and CR, and control characters.
 * @throws ProxyError MINWWW_BAD_REQUEST, MINWWW_URI_TOO_LONG, MINWWW_FIELDS_TOO_LARGE
 */
export function validateHead (request: IncomingMessage, url: string): Fields {
  const fields = pairs(request.rawHeaders)
  if (request.method!.length + url.length + 11 > MAX_LINE) throw new ProxyError('MINWWW_URI_TOO_LONG')
  // eslint-disable-next-line no-control-regex
  if (/[\x00-\x20\x7f-\uffff]/.test(url)) throw new ProxyError('MINWWW_BAD_REQUEST', 'a character in the address is not allowed')
  checkVersion(request)
  checkLimits(fields)
  for (const [name, value] of fields) {
    if (!TOKEN.test(name) || !VALUE.test(value)) throw new ProxyError('MINWWW_BAD_REQUEST', `field ${name.slice(0, 40)}`)
  }
  for (const name of SINGLE) {
    if (valuesOf(fields, name).length > 1) throw new ProxyError('MINWWW_BAD_REQUEST', `more than one field ${name}`)
  }
  checkHost(request, fields)
  checkBody(request, fields)
  return fields
}

function checkVersion (request: IncomingMessage): void {
  if (request.httpVersion !== '1.1' && request.httpVersion !== '1.0') {
    throw new ProxyError('MINWWW_BAD_REQUEST', `HTTP version ${request.httpVersion}`)
  }
}

function checkLimits (fields: Fields): void {
  if (fields.length > MAX_FIELDS) throw new ProxyError('MINWWW_FIELDS_TOO_LARGE', `${fields.length} fields`)
  let total = 0
  for (const [name, value] of fields) {
    const line = name.length + value.length + 4
    if (line > MAX_LINE) throw new ProxyError('MINWWW_FIELDS_TOO_LARGE', `field ${name.slice(0, 40)}`)
    total += line
  }
  if (total > MAX_HEAD) throw new ProxyError('MINWWW_FIELDS_TOO_LARGE', `${total} bytes`)
}

function checkHost (request: IncomingMessage, fields: Fields): void {
  const [host] = valuesOf(fields, 'host')
  if (host === undefined) {
    if (request.httpVersion === '1.1') throw new ProxyError('MINWWW_BAD_REQUEST', 'HTTP/1.1 without Host')
  } else if (!/^[\x21-\x7e]*$/.test(host) || /[@/\\?#,"<>]/.test(host)) {
    throw new ProxyError('MINWWW_BAD_REQUEST', 'Host is not an authority')
  }
}

function checkBody (request: IncomingMessage, fields: Fields): void {
  const [coding] = valuesOf(fields, 'transfer-encoding')
  const [length] = valuesOf(fields, 'content-length')
  if (coding !== undefined) {
    if (length !== undefined) throw new ProxyError('MINWWW_BAD_REQUEST', 'Content-Length and Transfer-Encoding')
    if (request.httpVersion === '1.0') throw new ProxyError('MINWWW_BAD_REQUEST', 'Transfer-Encoding in HTTP/1.0')
    if (coding.trim().toLowerCase() !== 'chunked') throw new ProxyError('MINWWW_BAD_REQUEST', 'Transfer-Encoding other than chunked')
  }
  if (length !== undefined && !/^\d{1,15}$/.test(length)) throw new ProxyError('MINWWW_BAD_REQUEST', 'Content-Length is not a number')
}

/** True where the head announces a body. */
export const hasBody = (fields: Fields): boolean =>
  valuesOf(fields, 'transfer-encoding').length > 0 || valuesOf(fields, 'content-length').some(value => Number(value) > 0)
