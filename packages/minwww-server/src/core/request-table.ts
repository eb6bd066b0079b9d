import type { ServerConfig } from './config.ts'
import type { ServedRequest } from './served-request.ts'

/** Bytes that a request counts besides its answer. */
const EXCHANGE_COST = 512

/**
 * All remembered requests, least recently touched first, with the bounds of section 8: bytes per session and in all,
 * and a time. What is being fetched stays, whatever the bounds say; it has its own.
 */
export class RequestTable {
  readonly #config: ServerConfig
  readonly #byAge = new Set<ServedRequest>()
  /** Those that collect BODY symbols, oldest first. */
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

  add (now: number, request: ServedRequest): void {
    const { session } = request
    if (session.requests.size >= this.#config.maxRequestsPerSession) this.#dropFirst(session.requests.values(), request)
    session.requests.set(request.id, request)
    if (request.state.name === 'collecting') {
      const oldest = this.#uploads.size >= this.#config.maxUploads ? this.#uploads.values().next().value : undefined
      if (oldest !== undefined) this.remove(oldest)
      this.#uploads.add(request)
    }
    this.touch(now, request)
  }

  /** It was used, or what it holds has changed. */
  touch (now: number, request: ServedRequest): void {
    const { session } = request
    request.touched = now
    if (request.state.name !== 'collecting') this.#uploads.delete(request)
    this.#byAge.delete(request)
    this.#byAge.add(request)
    session.requests.delete(request.id)
    session.requests.set(request.id, request)
    this.#count(request, heldBy(request))
    while (session.held > this.#config.cachePerSession && this.#dropFirst(session.requests.values(), request)) { /* next */ }
    while (this.#held > this.#config.cacheTotal && this.#dropFirst(this.#byAge.values(), request)) { /* next */ }
  }

  remove (request: ServedRequest): void {
    if (!this.#byAge.delete(request)) return
    this.#uploads.delete(request)
    request.session.requests.delete(request.id)
    this.#count(request, 0)
  }

  nextTimeout (): number | undefined {
    const first = this.#byAge.values().next().value
    return first === undefined ? undefined : first.touched + this.#config.cacheTime
  }

  handleTimeout (now: number): void {
    for (const request of this.#byAge) {
      if (request.touched + this.#config.cacheTime > now) break
      if (request.state.name === 'fetching') this.touch(now, request)
      else this.remove(request)
    }
  }

  #dropFirst (requests: Iterable<ServedRequest>, keep: ServedRequest): boolean {
    for (const request of requests) {
      if (request === keep || request.state.name === 'fetching') continue
      this.remove(request)
      return true
    }
    return false
  }

  #count (request: ServedRequest, held: number): void {
    request.session.held += held - request.held
    this.#held += held - request.held
    request.held = held
  }
}

function heldBy ({ state }: ServedRequest): number {
  switch (state.name) {
    case 'collecting': return EXCHANGE_COST + state.size
    case 'cached': return EXCHANGE_COST + state.reply.held
    case 'fetching':
    case 'failed': return EXCHANGE_COST
  }
}
