import { Readable } from 'node:stream'
import { destroyBody, type SiteRequest } from '../http/answer.ts'
import { canDecode, codingsOf, decodeBody } from '../http/coding.ts'
import { ProxyError } from '../http/failures.ts'
import { valueOf, type Fields } from '../http/fields.ts'
import { DEFAULT_SANITIZE } from '../http/request-fields.ts'
import { parseTarget } from '../http/target.ts'
import type { SiteFetcher } from '../route/site-fetcher.ts'
import type { Backend } from '../sessions/backend.ts'
import { MAX_LIST } from './core/list.ts'

/** ms that a list may take, whatever comes of it. */
const TIMEOUT = 180_000

export type FetchedList = { kind: 'same' } | { kind: 'list', owner: string, text: string, etag: string | undefined }

/** @throws Error with words for people */
export type FetchList = (url: string, etag: string | undefined, signal: AbortSignal) => Promise<FetchedList>

/** True for what can be the URL of a list: http, of a site of I2P. */
export function isListUrl (url: string): boolean {
  try {
    return parseTarget(url).kind !== 'web'
  } catch {
    return false
  }
}

/**
 * Lists come from the Destination that their URL names and from nowhere else: no exit is asked, no redirect followed, and what is
 * longer than a list may be is left.
 */
export function listFetcher (fetcher: Pick<SiteFetcher, 'route' | 'fetchFrom'>, backendOf: () => Backend | undefined): FetchList {
  return async (url, etag, signal) => {
    const backend = backendOf()
    if (backend?.driver.ready !== true) throw new ProxyError('MINWWW_NOT_READY')
    const target = parseTarget(url)
    const route = await fetcher.route(target, backend)
    if (route.to !== 'site') throw new ProxyError('MINWWW_NAME_NOT_RESOLVED', `${target.host} is not found`)
    const fields: Fields = [
      ['Host', target.authority], ['User-Agent', DEFAULT_SANITIZE.userAgent], ['Accept-Encoding', 'gzip'],
      ...(etag === undefined ? [] : [['If-None-Match', etag] as [string, string]])
    ]
    const limit = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT)])
    const request: SiteRequest = { method: 'GET', target, fields, signal: limit, timeout: TIMEOUT }
    const answer = await fetcher.fetchFrom(route.destination, request, backend)
    try {
      if (answer.status === 304 && etag !== undefined) return { kind: 'same' }
      if (answer.status !== 200) {
        throw new Error(`status ${answer.status}${answer.status < 400 ? ': a list is not looked for elsewhere' : ''}`)
      }
      const codings = codingsOf(valueOf(answer.fields, 'content-encoding'))
      if (!canDecode(codings)) throw new Error('its content coding is not known')
      const text = Buffer.isBuffer(answer.body) && codings.length === 0
        ? answer.body.toString('latin1')
        : await textOf(decodeBody(streamOf(answer.body), codings))
      if (text.length > MAX_LIST) throw tooLong()
      return { kind: 'list', owner: route.destination.b32, text, etag: valueOf(answer.fields, 'etag')?.slice(0, 200) }
    } finally {
      destroyBody(answer)
    }
  }
}

async function textOf (body: Readable): Promise<string> {
  const pieces: Buffer[] = []
  let size = 0
  for await (const piece of body as AsyncIterable<Buffer>) {
    size += piece.length
    if (size > MAX_LIST) throw tooLong()
    pieces.push(piece)
  }
  return Buffer.concat(pieces).toString('latin1')
}

const tooLong = (): Error => new Error(`it is longer than ${MAX_LIST} bytes`)

const streamOf = (body: Buffer | Readable): Readable => Buffer.isBuffer(body) ? Readable.from([body], { objectMode: false }) : body
