import type { ServerConfig } from './config.ts'
import type { RequestState, ServedRequest } from './served-request.ts'
import type { Session } from './session.ts'

/** Bytes that a request counts besides its answer. */
const REQUEST_COST = 512

/** What is remembered of one session: its requests by id, least recently touched first, and the bytes of their answers. */
interface SessionRequests { readonly byId: Map<number, ServedRequest>, held: number }

/**
 * All remembered requests, least recently touched first, with the bounds of section 8: bytes per session and in all,
 * and a time. What is being fetched stays, whatever the bounds say; it has its own.
 */
export class RequestTable {
  readonly #config: ServerConfig
  /** When each was touched last (ms) and the bytes that it counts, in the order of the first. */
  readonly #byAge = new Map<ServedRequest, { touched: number, held: number }>()
  /** Only sessions with requests. */
  readonly #bySession = new Map<Session, SessionRequests>()
  /** Those that collect BODY symbols, the one of which nothing has come for longest first. */
  readonly #uploads = new Set<ServedRequest>()
  #held = 0

  constructor (config: ServerConfig) {
    this.#config = config
  }

  /** Bytes of all answers. */
  get held (): number {
    return this.#held
  }

  get size (): number {
    return this.#byAge.size
  }

  find (session: Session, id: number): ServedRequest | undefined {
    return this.#bySession.get(session)?.byId.get(id)
  }

  /** All of one session, least recently touched first. */
  of (session: Session): ServedRequest[] {
    return [...this.#bySession.get(session)?.byId.values() ?? []]
  }

  /** Those of one session that stand so. */
  countOf (session: Session, state: RequestState['name']): number {
    return this.of(session).filter(request => request.state.name === state).length
  }

  add (now: number, request: ServedRequest): void {
    const own = this.#bySession.get(request.session)
    if (own !== undefined && own.byId.size >= this.#config.maxRequestsPerSession) this.#dropFirst(own.byId.values(), request)
    this.touch(now, request)
  }

  /** Whether one more request may be put together for a session. It may take the place of one that nothing comes of. */
  takeUploadRoom (now: number, session: Session): boolean {
    const { maxUploads, maxUploadsPerSession, uploadPause } = this.#config
    if (this.countOf(session, 'collecting') >= maxUploadsPerSession) return false
    if (this.#uploads.size < maxUploads) return true
    const [idle] = this.#uploads
    if (idle === undefined || now - (this.#byAge.get(idle)?.touched ?? now) < uploadPause) return false
    this.remove(idle)
    return true
  }

  /** It was used, or what it holds has changed. */
  touch (now: number, request: ServedRequest): void {
    this.#uploads.delete(request)
    if (request.state.name === 'collecting') this.#uploads.add(request)
    const own = this.#ownOf(request.session)
    own.byId.delete(request.id)
    own.byId.set(request.id, request)
    const held = heldBy(request)
    const before = this.#byAge.get(request)?.held ?? 0
    this.#byAge.delete(request)
    this.#byAge.set(request, { touched: now, held })
    own.held += held - before
    this.#held += held - before
    while (own.held > this.#config.cachePerSession && this.#dropFirst(own.byId.values(), request)) { /* next */ }
    while (this.#held > this.#config.cacheTotal && this.#dropFirst(this.#byAge.keys(), request)) { /* next */ }
  }

  remove (request: ServedRequest): void {
    const entry = this.#byAge.get(request)
    if (entry === undefined) return
    this.#byAge.delete(request)
    this.#uploads.delete(request)
    this.#held -= entry.held
    const own = this.#ownOf(request.session)
    own.held -= entry.held
    own.byId.delete(request.id)
    if (own.byId.size === 0) this.#bySession.delete(request.session)
  }

  nextTimeout (): number | undefined {
    const first = this.#byAge.values().next().value
    return first === undefined ? undefined : first.touched + this.#config.cacheTime
  }

  handleTimeout (now: number): void {
    for (const [request, { touched }] of this.#byAge) {
      if (touched + this.#config.cacheTime > now) break
      if (request.state.name === 'fetching') this.touch(now, request)
      else this.remove(request)
    }
  }

  #ownOf (session: Session): SessionRequests {
    const own = this.#bySession.get(session) ?? { byId: new Map<number, ServedRequest>(), held: 0 }
    this.#bySession.set(session, own)
    return own
  }

  #dropFirst (requests: Iterable<ServedRequest>, keep: ServedRequest): boolean {
    for (const request of requests) {
      if (request === keep || request.state.name === 'fetching') continue
      this.remove(request)
      return true
    }
    return false
  }
}

function heldBy ({ state }: ServedRequest): number {
  switch (state.name) {
    case 'collecting': return REQUEST_COST + state.size
    case 'cached': return REQUEST_COST + state.reply.held
    case 'fetching':
    case 'failed': return REQUEST_COST
  }
}
