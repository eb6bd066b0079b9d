import { Readable } from 'node:stream'
import type { SiteRequest } from '../http/answer.ts'
import { ProxyError } from '../http/failures.ts'

/** Bytes of a body that are held here so that it can go as a message: text, coded, may be larger than what is sent. */
const MAX_BODY = 192 * 1024

/** GET and HEAD change nothing; the others here may be repeated too, but often have a body. */
const READING: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PROPFIND', 'REPORT', 'SEARCH', 'QUERY'])

/** A request whose body, if it has one, is here. */
export interface WholeRequest extends SiteRequest { readonly content: Buffer | undefined }

/** Every exit takes it by message, so that it may be tried; the others need one that has said so. */
export const isPlain = ({ method }: SiteRequest): boolean => method === 'GET' || method === 'HEAD'

/** Another exit may be asked for it, and the same one twice. */
export const isHarmless = ({ method }: SiteRequest): boolean => READING.has(method)

/**
 * Whether messages can carry it: its body is known to be small, and nobody waits for a word before it is sent. An OPTIONS for a whole
 * site has no form in them.
 */
export function fitsMessage (request: SiteRequest): boolean {
  const { method, target, body, bodyLength, expectsContinue } = request
  if (isPlain(request)) return body === undefined
  if (method === 'CONNECT' || method === 'TRACE' || expectsContinue === true) return false
  if (method === 'OPTIONS' && target.isPathless) return false
  return body === undefined || (bodyLength !== undefined && bodyLength <= MAX_BODY)
}

/**
 * Reads the body of what `fitsMessage`. @throws ProxyError for a body that is not as long as was said; what the browser's connection says
 */
export async function readWhole (request: SiteRequest): Promise<WholeRequest> {
  const { body, bodyLength = 0 } = request
  if (body === undefined) return { ...request, content: undefined }
  const pieces: Buffer[] = []
  let length = 0
  for await (const piece of body as AsyncIterable<Buffer>) {
    length += piece.length
    if (length > bodyLength) break
    pieces.push(piece)
  }
  if (length !== bodyLength) throw new ProxyError('MINWWW_BAD_REQUEST', 'the body is not as long as Content-Length says')
  return { ...request, content: Buffer.concat(pieces) }
}

/** The same for a stream: a body that was read flows again, as often as it is asked for. */
export function asStream ({ content, ...request }: WholeRequest): SiteRequest {
  return content === undefined ? request : { ...request, body: Readable.from([content]) }
}
