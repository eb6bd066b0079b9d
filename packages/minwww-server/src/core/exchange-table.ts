import type { ServerConfig } from './config.ts'
import type { Exchange } from './exchange.ts'

/** Bytes that an exchange counts besides its answer. */
const EXCHANGE_COST = 512

/**
 * All remembered requests, least recently touched first, with the bounds of section 8: bytes per session and in all,
 * and a time. What is being fetched stays, whatever the bounds say; it has its own.
 */
export class ExchangeTable {
  readonly #config: ServerConfig
  readonly #byAge = new Set<Exchange>()
  /** Those that collect BODY symbols, oldest first. */
  readonly #uploads = new Set<Exchange>()
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

  add (now: number, exchange: Exchange): void {
    const { session } = exchange
    if (session.exchanges.size >= this.#config.maxExchanges) this.#dropFirst(session.exchanges.values(), exchange)
    session.exchanges.set(exchange.id, exchange)
    if (exchange.state.name === 'collecting') {
      const oldest = this.#uploads.size >= this.#config.maxUploads ? this.#uploads.values().next().value : undefined
      if (oldest !== undefined) this.remove(oldest)
      this.#uploads.add(exchange)
    }
    this.touch(now, exchange)
  }

  /** It was used, or what it holds has changed. */
  touch (now: number, exchange: Exchange): void {
    const { session } = exchange
    exchange.touched = now
    if (exchange.state.name !== 'collecting') this.#uploads.delete(exchange)
    this.#byAge.delete(exchange)
    this.#byAge.add(exchange)
    session.exchanges.delete(exchange.id)
    session.exchanges.set(exchange.id, exchange)
    this.#count(exchange, heldBy(exchange))
    while (session.held > this.#config.cachePerSession && this.#dropFirst(session.exchanges.values(), exchange)) { /* next */ }
    while (this.#held > this.#config.cacheTotal && this.#dropFirst(this.#byAge.values(), exchange)) { /* next */ }
  }

  remove (exchange: Exchange): void {
    if (!this.#byAge.delete(exchange)) return
    this.#uploads.delete(exchange)
    exchange.session.exchanges.delete(exchange.id)
    this.#count(exchange, 0)
  }

  nextTimeout (): number | undefined {
    const first = this.#byAge.values().next().value
    return first === undefined ? undefined : first.touched + this.#config.cacheTime
  }

  handleTimeout (now: number): void {
    for (const exchange of this.#byAge) {
      if (exchange.touched + this.#config.cacheTime > now) break
      if (exchange.state.name === 'fetching') this.touch(now, exchange)
      else this.remove(exchange)
    }
  }

  #dropFirst (exchanges: Iterable<Exchange>, keep: Exchange): boolean {
    for (const exchange of exchanges) {
      if (exchange === keep || exchange.state.name === 'fetching') continue
      this.remove(exchange)
      return true
    }
    return false
  }

  #count (exchange: Exchange, held: number): void {
    exchange.session.held += held - exchange.held
    this.#held += held - exchange.held
    exchange.held = held
  }
}

function heldBy ({ state }: Exchange): number {
  switch (state.name) {
    case 'collecting': return EXCHANGE_COST + state.size
    case 'cached': return EXCHANGE_COST + state.reply.held
    case 'fetching':
    case 'failed': return EXCHANGE_COST
  }
}
