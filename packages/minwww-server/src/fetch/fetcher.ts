import { Readable, type Duplex } from 'node:stream'
import { ServerError } from '../errors.ts'
import type { Clock } from '@minwww/ground'
import { CutError } from '../http1/byte-reader.ts'
import type { InterimResponse } from '../http1/response.ts'
import { ConnectionPool } from './connection-pool.ts'
import type { ConnectionSlots, Slot } from './connection-slots.ts'
import { SiteConnection, type AnswerTimeouts } from './connection.ts'
import { adaptCoding, codingsToAskFor, decode } from './content-coding.ts'
import { secured, type OpenSocket } from './dialer.ts'
import { isCut, toServerError } from './failures.ts'
import { endToEnd, forwardable, isToken, valuesOf, withoutFields } from './fields.ts'
import type { Field, HttpRequest, UpstreamResponse, Visitor } from './http-types.ts'
import type { ReplyHead } from './reply-head.ts'
import { visitorFields, type Site, type Sites } from './sites.ts'
import { parseTarget, type RequestTarget } from './target.ts'

export interface FetchTimeouts extends AnswerTimeouts {
  /** ms per address until TCP is connected; and again for TLS. */
  connect: number
}

export interface FetcherOptions {
  /** How the web is reached: guarded (dialer.ts) or through an upstream proxy. */
  web: OpenSocket
  /** How the HTTPDs of own sites are reached. */
  trusted: OpenSocket
  sites: Sites
  slots: ConnectionSlots
  clock: Clock
  timeouts: FetchTimeouts
  /** Throws MINWWW_EXIT_POLICY for what the operator does not want; own sites come with `site`. */
  admit: (request: HttpRequest, target: RequestTarget, site: Site | undefined) => void
  /** The same for a response, before its body is read. */
  admitResponse: (head: ReplyHead, site: Site | undefined) => void
  /** Response fields that are not told to clients of the web, and of own sites; lower case. */
  hiddenFields: { web: ReadonlySet<string>, sites: ReadonlySet<string> }
  /** Certificates to trust in place of the built-in ones, PEM. */
  ca?: string | string[] | undefined
}

/** A request that policy has let pass, and where it goes. */
export interface Plan {
  readonly request: HttpRequest
  readonly visitor: Visitor
  readonly target: RequestTarget
  readonly site: Site | undefined
  /** Its place among the connections. `fetch` and `upgrade` take it, and give it back when all of the answer has been taken. */
  readonly slot: Slot
}

export interface FetchWatch {
  signal: AbortSignal
  /** 100 (Continue), 103 (Early Hints) and their like, in their order, before the answer. */
  onInterim?: (response: InterimResponse) => void
}

/** What a site said to an Upgrade: 101 and a connection, or an answer like any other. */
export type Upgraded =
  | { kind: 'open', head: InterimResponse, socket: Duplex, slot: Slot }
  | { kind: 'answer', response: UpstreamResponse }

/** Only the exit itself may say these. */
const OWN_FIELDS = new Set(['x-minwww-error'])
/** Asked once more when a kept connection was closed in the moment of its use (RFC 9110 section 9.2.2). */
const REPEATABLE = new Set(['GET', 'HEAD', 'OPTIONS'])
/** They come with a length even where the body is empty (RFC 9110 section 8.6). */
const WITH_LENGTH = new Set(['POST', 'PUT', 'PATCH'])

/** Fetches one resource: no redirect is followed, hop-by-hop fields end here in both directions. */
export class Fetcher {
  readonly #options: FetcherOptions
  readonly #pool: ConnectionPool
  /** In use; bounded by the slots. */
  readonly #busy = new Set<SiteConnection>()

  constructor (options: FetcherOptions) {
    this.#options = options
    this.#pool = new ConnectionPool(options.clock)
  }

  /** Connections in use, and those that wait for another request. */
  get connections (): { busy: number, idle: number } {
    return { busy: this.#busy.size, idle: this.#pool.size }
  }

  /**
   * Reads the target, once, and asks policy: every way to a site begins here.
   *
   * @throws ServerError MINWWW_EXIT_BAD_REQUEST, MINWWW_EXIT_POLICY
   */
  plan (request: HttpRequest, visitor: Visitor): Plan {
    const target = parseTarget(request.url)
    if (!isToken(request.method) || request.method === 'CONNECT') {
      throw new ServerError('MINWWW_EXIT_BAD_REQUEST', 'that method makes no sense here')
    }
    const site = this.#options.sites.find(target)
    this.#options.admit(request, target, site)
    return { request, visitor, target, site, slot: this.#options.slots.slot(visitor.b32, originOf(target, site)) }
  }

  /**
   * Resolves when the response's head is there. The body is still upstream; reading it drives the transfer.
   *
   * @throws ServerError with every code except MINWWW_EXIT_TOO_LARGE
   */
  async fetch (plan: Plan, watch: FetchWatch): Promise<UpstreamResponse> {
    return await this.#during(plan, watch, async () => {
      if (isForThisHop(plan.request)) return this.#ownAnswer(plan)
      const { connection, head } = await this.#ask(plan, watch, [])
      if (head.status !== 101) return this.#answer(plan, connection, head)
      this.#drop(connection)
      throw new ServerError('MINWWW_EXIT_MALFORMED', 'the site changed to another protocol without being asked')
    })
  }

  /** The same for a request with Upgrade, `token` being its value. 101 with another token is an error. @throws ServerError */
  async upgrade (plan: Plan, token: string, watch: FetchWatch): Promise<Upgraded> {
    return await this.#during(plan, watch, async () => {
      const { connection, head } = await this.#ask(plan, watch, [['Connection', 'Upgrade'], ['Upgrade', token]])
      if (head.status !== 101) return { kind: 'answer', response: this.#answer(plan, connection, head) }
      this.#busy.delete(connection)
      const socket = connection.detach()
      if (valuesOf(head.headers, 'upgrade').join().toLowerCase() !== token) {
        socket.destroy()
        throw new ServerError('MINWWW_EXIT_MALFORMED', 'the site changed to another protocol than it was asked for')
      }
      const headers: Field[] = [...this.#passedOn(head, head.headers, plan.site), ['Connection', 'Upgrade'], ['Upgrade', token]]
      return { kind: 'open', head: { status: head.status, reason: head.reason, headers }, socket, slot: plan.slot }
    })
  }

  async close (): Promise<void> {
    this.#pool.close()
    for (const connection of [...this.#busy]) this.#drop(connection)
  }

  async #during<T> ({ slot }: Plan, { signal }: FetchWatch, work: () => Promise<T>): Promise<T> {
    slot.take()
    try {
      signal.throwIfAborted()
      return await work()
    } catch (cause) {
      slot.release()
      throw toServerError(signal.aborted && signal.reason instanceof ServerError ? signal.reason : cause, 'request')
    }
  }

  async #ask (plan: Plan, watch: FetchWatch, more: readonly Field[]): Promise<{ connection: SiteConnection, head: ReplyHead }> {
    const { request } = plan
    const kept = this.#pool.take(keyOf(plan))
    if (kept !== undefined) {
      try {
        return await this.#askOn(kept, plan, watch, more)
      } catch (cause) {
        if (watch.signal.aborted || request.body !== undefined || !REPEATABLE.has(request.method) || !isCut(cause)) throw cause
      }
    }
    return await this.#askOn(await this.#connect(plan, watch.signal), plan, watch, more)
  }

  async #askOn (connection: SiteConnection, plan: Plan, { signal, onInterim }: FetchWatch, more: readonly Field[]) {
    const { request, site } = plan
    this.#busy.add(connection)
    const stop = () => this.#drop(connection)
    signal.addEventListener('abort', stop, { once: true })
    try {
      signal.throwIfAborted()
      const head = await connection.ask({
        method: request.method,
        path: pathFor(plan),
        headers: [...headersFor(plan), ...more],
        body: request.body,
        expectsContinue: request.expectsContinue ?? false,
        onInterim: response => onInterim?.({ ...response, headers: this.#withoutHidden(endToEnd(response.headers), site) })
      })
      return { connection, head }
    } catch (cause) {
      this.#drop(connection)
      throw cause
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }

  async #connect (plan: Plan, signal: AbortSignal): Promise<SiteConnection> {
    const { clock, timeouts, ca, web, trusted } = this.#options
    const { target, site } = plan
    const origin = site?.endpoint ?? target
    const plain = await (site === undefined ? web : trusted)({ host: origin.host, port: origin.port })
    if (signal.aborted) plain.destroy()
    signal.throwIfAborted()
    const socket = origin.scheme === 'https' ? await secured(plain, origin.host, { timeout: timeouts.connect, ca }) : plain
    if (socket.destroyed) throw socket.errored ?? new CutError()
    return new SiteConnection(keyOf(plan), socket, clock, timeouts)
  }

  #answer ({ request, site, slot }: Plan, connection: SiteConnection, head: ReplyHead): UpstreamResponse {
    try {
      this.#options.admitResponse(head, site)
      const { headers, decoders } = adaptCoding(head, request.headers)
      const body = connection.body(head, isReusable => {
        slot.release()
        this.#busy.delete(connection)
        if (isReusable) this.#pool.keep(connection)
        else connection.close()
      })
      return {
        status: head.status,
        reason: head.reason,
        headers: this.#passedOn(head, headers, site),
        body: decode(body, decoders),
        length: decoders.length === 0 ? head.length : undefined,
        hasBody: head.framing.kind !== 'none',
        shrinks: TEXT.test(head.mediaType) && valuesOf(headers, 'content-encoding').every(coding => coding.toLowerCase() === 'identity'),
        isEventStream: head.mediaType === 'text/event-stream',
        fromSite: site !== undefined
      }
    } catch (cause) {
      this.#drop(connection)
      throw cause
    }
  }

  #ownAnswer ({ slot, site }: Plan): UpstreamResponse {
    slot.release()
    const headers: Field[] = [['Content-Length', '0']]
    const body = Readable.from([])
    return {
      status: 200,
      reason: 'OK',
      headers,
      body,
      length: 0,
      hasBody: true,
      shrinks: false,
      isEventStream: false,
      fromSite: site !== undefined
    }
  }

  #drop (connection: SiteConnection): void {
    this.#busy.delete(connection)
    connection.close()
  }

  #passedOn (head: ReplyHead, headers: readonly Field[], site: Site | undefined): Field[] {
    const fields = this.#withoutHidden(endToEnd(headers), site)
    // The length that was told is that of the coded transfer.
    return head.transferCodings.length === 0 ? fields : withoutFields(fields, CODED_LENGTH)
  }

  #withoutHidden (headers: readonly Field[], site: Site | undefined): Field[] {
    const { web, sites } = this.#options.hiddenFields
    return withoutFields(withoutFields(headers, OWN_FIELDS), site === undefined ? web : sites)
  }
}

/** Media types whose bodies compression makes clearly smaller. */
const TEXT = new RegExp([
  '^text/', '^application/(json|javascript|xml|xhtml\\+xml|ld\\+json|manifest\\+json|wasm)$',
  '^image/(svg\\+xml|bmp|x-icon)$', '^font/(ttf|otf)$', '\\+(xml|json)$'
].join('|'))
const MAX_FORWARDS = 'max-forwards'
const CODED_LENGTH = new Set(['content-length'])

/** OPTIONS that says how far it may go, and has come so far (RFC 9110 section 7.6.2). */
function isForThisHop ({ method, headers }: HttpRequest): boolean {
  return method === 'OPTIONS' && valuesOf(headers, MAX_FORWARDS).join().trim() === '0'
}

/** OPTIONS for the whole server, asked of a proxy by a URL without a path, becomes `*` (RFC 9112 section 3.2.4). */
function pathFor ({ request, target, site }: Plan): string {
  const base = site?.base ?? ''
  return request.method === 'OPTIONS' && target.isBare && base === '' ? '*' : base + target.path
}

/** One hop less. */
function oneHopLess ([name, value]: Field): Field {
  return [name, name.toLowerCase() === MAX_FORWARDS && /^\d{1,9}$/.test(value) ? String(Math.max(0, Number(value) - 1)) : value]
}

function headersFor ({ request, target, site, visitor }: Plan): Field[] {
  const { body, method } = request
  const passed = forwardable(request.headers)
  const headers = method === 'OPTIONS' ? passed.map(oneHopLess) : passed
  headers.push(['Host', site?.host ?? target.authority], ['Accept-Encoding', codingsToAskFor(request.headers)])
  if (site !== undefined) headers.push(...visitorFields(visitor))
  if (body === undefined) {
    if (WITH_LENGTH.has(method)) headers.push(['Content-Length', '0'])
    return headers
  }
  // Without its length a stream goes up chunked, which not every HTTPD takes.
  const length = body instanceof Uint8Array ? String(body.length) : valuesOf(request.headers, 'content-length')[0]
  headers.push(length === undefined ? ['Transfer-Encoding', 'chunked'] : ['Content-Length', length])
  if (request.expectsContinue === true) headers.push(['Expect', '100-continue'])
  return headers
}

function keyOf ({ target, site, visitor }: Plan): string {
  return `${visitor.b32} ${originOf(target, site)}`
}

function originOf (target: RequestTarget, site: Site | undefined): string {
  return site === undefined ? `${target.scheme}://${target.authority}` : `site ${site.name}`
}
