import type { Readable } from 'node:stream'
import { Agent, type Dispatcher } from 'undici'
import { ServerError } from '../errors.ts'
import { ACCEPT_ENCODING, adaptCoding } from './content-coding.ts'
import { connectorOver, type OpenSocket } from './dialer.ts'
import { isCut, toServerError } from './failures.ts'
import { endToEnd, forwardable, isToken, valuesOf, withoutFields } from './fields.ts'
import type { Field, HttpRequest, UpstreamResponse, Visitor } from './http-types.ts'
import { visitorFields, type Site, type Sites } from './sites.ts'
import { parseTarget, type RequestTarget } from './target.ts'

export interface FetchTimeouts {
  /** ms per address until TCP is connected; and again for TLS. */
  connect: number
  /** ms from the request to the end of the response's header section. */
  headers: number
  /** ms between two pieces of a body. */
  body: number
}

export interface FetcherOptions {
  /** How the web is reached: guarded (dialer.ts) or through an upstream proxy. */
  web: OpenSocket
  /** How the HTTPDs of own sites are reached. */
  trusted: OpenSocket
  sites: Sites
  timeouts: FetchTimeouts
  /** Throws MINWWW_EXIT_POLICY for what the operator does not want; own sites come with `site`. */
  admit: (request: HttpRequest, target: RequestTarget, site: Site | undefined) => void
  /** The same for a response, before its body is read. */
  admitResponse: (headers: readonly Field[], site: Site | undefined) => void
  /** Response fields that are not told to clients of the web, and of own sites; lower case. */
  hiddenFields: { web: ReadonlySet<string>, sites: ReadonlySet<string> }
  /** Certificates to trust in place of the built-in ones, PEM. */
  ca?: string | string[] | undefined
}

/** Bytes of a response's header section. */
export const MAX_RESPONSE_HEAD = 32_768
/** Only the exit itself may say these. */
const OWN_FIELDS = new Set(['x-minwww-error'])
/** Asked once more when a kept connection was closed in the moment of its use (RFC 9110 section 9.2.2). */
const REPEATABLE = new Set(['GET', 'HEAD', 'OPTIONS'])
const CONNECTIONS_PER_ORIGIN = 16
const MAX_ORIGINS = 512
const KEEP_ALIVE = 10_000
const KEEP_ALIVE_MAX = 60_000

/** Fetches one resource: no redirect is followed, hop-by-hop fields end here in both directions. */
export class Fetcher {
  readonly #options: FetcherOptions
  readonly #web: Agent
  readonly #trusted: Agent

  constructor (options: FetcherOptions) {
    this.#options = options
    this.#web = agent(options, options.web)
    this.#trusted = agent(options, options.trusted)
  }

  /**
   * Resolves when the response's head is there. The body is still upstream; reading it drives the transfer.
   *
   * @throws ServerError with every code except MINWWW_EXIT_TOO_LARGE
   */
  async fetch (request: HttpRequest, visitor: Visitor, signal: AbortSignal): Promise<UpstreamResponse> {
    const target = parseTarget(request.url)
    if (!isToken(request.method) || request.method === 'CONNECT') {
      throw new ServerError('MINWWW_EXIT_BAD_REQUEST', 'that method makes no sense here')
    }
    const site = this.#options.sites.find(target)
    this.#options.admit(request, target, site)
    const answer = await this.#dispatch(request, target, site, visitor, signal)
    const hasBody = request.method !== 'HEAD' && answer.statusCode !== 204 && answer.statusCode !== 304
    const headers = pairs(answer.headers as unknown as string[])
    try {
      this.#options.admitResponse(headers, site)
    } catch (refusal) {
      answer.body.on('error', () => {}).destroy()
      throw refusal
    }
    const response = adaptCoding({
      status: answer.statusCode,
      reason: answer.statusText,
      headers: this.#passedOn(headers, site),
      body: answer.body as unknown as Readable,
      length: hasBody ? lengthOf(headers) : undefined,
      hasBody
    }, request.headers)
    // A body that nobody reads any more still says why it ended; that must not end the process.
    response.body.on('error', () => {})
    return response
  }

  /** Whether a URL belongs to an own site. */
  isSite (url: string): boolean {
    try {
      return this.#options.sites.find(parseTarget(url)) !== undefined
    } catch {
      return false
    }
  }

  async close (): Promise<void> {
    await Promise.all([this.#web.destroy(), this.#trusted.destroy()])
  }

  async #dispatch (request: HttpRequest, target: RequestTarget, site: Site | undefined, visitor: Visitor, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    const headers = forwardable(request.headers)
    headers.push(['Host', site === undefined ? target.authority : site.name], ['Accept-Encoding', codingsFor(request)])
    if (site !== undefined) headers.push(...visitorFields(visitor))
    // Without its length a stream would go up chunked, which not every HTTPD takes.
    const length = request.body instanceof Uint8Array ? undefined : valuesOf(request.headers, 'content-length')[0]
    if (request.body !== undefined && length !== undefined) headers.push(['Content-Length', length])
    const dispatch = async (): Promise<Dispatcher.ResponseData> =>
      await (site === undefined ? this.#web : this.#trusted).request({
        origin: site?.origin ?? originOf(target),
        path: (site?.base ?? '') + target.path,
        method: request.method as Dispatcher.HttpMethod,
        headers: headers.flat(),
        body: request.body === undefined ? null : request.body as Buffer | Readable,
        signal,
        headersTimeout: this.#options.timeouts.headers,
        bodyTimeout: this.#options.timeouts.body,
        responseHeaders: 'raw'
      })
    try {
      return await dispatch().catch(async (cause: unknown) => {
        if (signal.aborted || request.body !== undefined || !REPEATABLE.has(request.method) || !isCut(cause)) throw cause
        return await dispatch()
      })
    } catch (cause) {
      throw toServerError(signal.aborted && signal.reason instanceof ServerError ? signal.reason : cause, 'request')
    }
  }

  #passedOn (headers: Field[], site: Site | undefined): Field[] {
    const { web, sites } = this.#options.hiddenFields
    return withoutFields(withoutFields(endToEnd(headers), OWN_FIELDS), site === undefined ? web : sites)
  }
}

function agent (options: FetcherOptions, open: OpenSocket): Agent {
  return new Agent({
    connect: connectorOver(open, { tlsTimeout: options.timeouts.connect, ca: options.ca }),
    connections: CONNECTIONS_PER_ORIGIN,
    maxOrigins: MAX_ORIGINS,
    keepAliveTimeout: KEEP_ALIVE,
    keepAliveMaxTimeout: KEEP_ALIVE_MAX,
    maxHeaderSize: MAX_RESPONSE_HEAD,
    pipelining: 1
  })
}

function originOf (target: RequestTarget): string {
  return `${target.scheme}://${target.authority}`
}

// A range is counted in bytes of the representation that the client knows, so a coding must not come in between.
function codingsFor (request: HttpRequest): string {
  return valuesOf(request.headers, 'range').length > 0 ? 'identity' : ACCEPT_ENCODING
}

function pairs (raw: readonly string[]): Field[] {
  const fields: Field[] = []
  for (let index = 0; index + 1 < raw.length; index += 2) {
    fields.push([raw[index] ?? '', raw[index + 1] ?? ''])
  }
  return fields
}

function lengthOf (headers: readonly Field[]): number | undefined {
  const value = valuesOf(headers, 'content-length')[0]
  return value !== undefined && /^\d{1,15}$/.test(value) ? Number(value) : undefined
}
