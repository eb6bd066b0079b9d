import { decodeObject, decodeRate, encodeObject, ErasureDecoder, MAX_OBJECT, TokenBucket } from '@minwww/protocol'
import type { BodyMessage, CancelMessage, OpenMessage, RequestMessage, WantMessage, WireErrorName } from '@minwww/protocol'
import { Notice, SymbolBurst } from './bursts.ts'
import type { ServerConfig } from './config.ts'
import type { Exchange, ExchangeState } from './exchange.ts'
import { ExchangeTable } from './exchange-table.ts'
import type { OpenEntry } from './open-ledger.ts'
import type { Outbox } from './outbox.ts'
import { Reply } from './reply.ts'
import type { Session } from './session.ts'
import type { FailureFacts, ServerEvent, ServerStats } from './types.ts'

/** Repetitions of an ERROR for the same request. */
const NOTICES = 5

/** What names a sending of a request. */
interface Asked { id: number, attempt: number, flags: number }

/**
 * What happens to the requests of verified clients: fetched once, answered by (session, id) as often as their attempt
 * rises, within the caps (section 8).
 */
export class Desk {
  isDraining = false
  readonly events: ServerEvent[] = []
  readonly #config: ServerConfig
  readonly #stats: ServerStats
  readonly #outbox: Outbox
  readonly #exchanges: ExchangeTable
  /** Exchanges being fetched, by handle, in the order of their deadlines. Bounded by maxFetches. */
  readonly #fetches = new Map<number, Exchange>()
  readonly #newcomers: TokenBucket
  #nextHandle = 1

  constructor (now: number, config: ServerConfig, stats: ServerStats, outbox: Outbox) {
    this.#config = config
    this.#stats = stats
    this.#outbox = outbox
    this.#exchanges = new ExchangeTable(config)
    this.#newcomers = new TokenBucket(config.newcomerFetches, config.newcomerBurst, now)
  }

  /** Fetches under way. */
  get fetching (): number {
    return this.#fetches.size
  }

  /** Bytes of all remembered answers. */
  get held (): number {
    return this.#exchanges.held
  }

  get remembered (): number {
    return this.#exchanges.size
  }

  /** An OPEN (with its entry in the replay table) or a REQUEST. */
  request (now: number, session: Session, message: OpenMessage | RequestMessage, entry?: OpenEntry): void {
    this.#learn(now, session, message)
    session.max = decodeRate(message.max)
    const known = session.exchanges.get(message.id)
    if (known !== undefined) return this.#again(now, known, message)
    if (!this.#isNew(session, message.id, message.attempt, entry?.fetched === true)) return
    if (message.object.length === 0) return this.#probe(now, session, message)
    this.#fetch(now, session, message, message.object, entry)
  }

  want (now: number, session: Session, message: WantMessage): void {
    this.#learn(now, session, message)
    this.#stats.wants++
    const exchange = session.exchanges.get(message.id)
    if (exchange === undefined) {
      if (session.window.check(message.id) === 'old') this.#stats.replayed++
      else this.#notify(session, message.id, message.attempt, 'unknown-id', {})
      return
    }
    const isNewAttempt = message.attempt > exchange.attempt
    if (isNewAttempt) exchange.copy = message.flags
    exchange.attempt = Math.max(exchange.attempt, message.attempt)
    if (exchange.state.name === 'failed' && isNewAttempt) return this.#repeatFailure(exchange)
    if (exchange.state.name !== 'cached') return
    if (this.#outbox.waiting(session, exchange) >= message.count) {
      this.#stats.duplicates++
      return
    }
    this.#send(now, exchange, exchange.state.reply, reply => reply.repair(message.from, message.count, isNewAttempt))
  }

  cancel (now: number, session: Session, message: CancelMessage): void {
    session.window.accept(message.id)
    const exchange = session.exchanges.get(message.id)
    if (exchange !== undefined && message.attempt >= exchange.attempt) this.#forget(exchange)
  }

  /** A symbol of a request that does not fit one message. The path is what the client said last. */
  body (now: number, session: Session, message: BodyMessage): void {
    let exchange = session.exchanges.get(message.id)
    if (exchange === undefined) {
      if (!this.#isNew(session, message.id, message.attempt, false)) return
      const decoder = new ErasureDecoder(message.size, message.symbol.length)
      if (decoder.k === 0) return
      session.window.accept(message.id)
      exchange = this.#create(now, session, message, {
        name: 'collecting', decoder, size: message.size, symbolLength: message.symbol.length
      })
    }
    const { state } = exchange
    if (state.name !== 'collecting') return this.#again(now, exchange, message)
    if (state.size !== message.size || state.symbolLength !== message.symbol.length) {
      this.#stats.malformed++
      return
    }
    exchange.attempt = Math.max(exchange.attempt, message.attempt)
    state.decoder.add(message.index, message.symbol)
    if (!state.decoder.complete) return
    const object = state.decoder.result()
    this.#exchanges.remove(exchange)
    this.#fetch(now, session, { ...message, attempt: exchange.attempt }, object)
  }

  /** Returns the bytes of the object that is sent, 0 for none. */
  respond (now: number, handle: number, message: Buffer): number {
    const exchange = this.#finish(handle)
    if (exchange === undefined) return 0
    const object = encodeObject(message, { kind: 'response' })
    const most = Math.min(MAX_OBJECT, exchange.max)
    if (object.length > most) {
      this.#conclude(now, exchange, 'too-large', { size: message.length })
      return 0
    }
    this.#stats.replies++
    this.#answer(now, exchange, object)
    return object.length
  }

  fail (now: number, handle: number, code: WireErrorName, facts: FailureFacts): void {
    const exchange = this.#finish(handle)
    if (exchange !== undefined) this.#conclude(now, exchange, code, facts)
  }

  /** The session has ended: so has all that it asked for. */
  drop (session: Session): void {
    for (const exchange of [...session.exchanges.values()]) this.#forget(exchange)
    this.#outbox.drop(session)
  }

  nextTimeout (): number | undefined {
    const deadline = this.#first()?.deadline
    const expiry = this.#exchanges.nextTimeout()
    return deadline === undefined || expiry === undefined ? deadline ?? expiry : Math.min(deadline, expiry)
  }

  handleTimeout (now: number): void {
    for (let first = this.#first(); first !== undefined && first.deadline <= now; first = this.#first()) {
      this.events.push({ type: 'cancelled', handle: first.handle })
      this.fail(now, first.handle, 'upstream-timeout', {})
    }
    this.#exchanges.handleTimeout(now)
  }

  #learn (now: number, session: Session, message: { loss: number, rate: number, shape: number }): void {
    session.learn(now, message)
    this.#outbox.wake(session)
  }

  /** False for what was seen before; a higher attempt of something forgotten is told so. */
  #isNew (session: Session, id: number, attempt: number, isFetched: boolean): boolean {
    const seen = isFetched ? 'seen' : session.window.check(id)
    if (seen === 'new') return true
    if (seen === 'seen' && attempt > 0) this.#notify(session, id, attempt, 'unknown-id', {})
    else this.#stats.replayed++
    return false
  }

  #again (now: number, exchange: Exchange, { attempt, flags }: Asked): void {
    if (attempt <= exchange.attempt) {
      this.#stats.duplicates++
      return
    }
    exchange.attempt = attempt
    exchange.copy = flags
    exchange.path = exchange.session.path
    const { state } = exchange
    if (state.name === 'failed') return this.#repeatFailure(exchange)
    // What is still being sent needs no repetition.
    if (state.name !== 'cached' || this.#outbox.waiting(exchange.session, exchange) > 0) return
    this.#send(now, exchange, state.reply, reply => reply.whole(exchange.path))
  }

  #probe (now: number, session: Session, message: OpenMessage | RequestMessage): void {
    this.#stats.probes++
    session.window.accept(message.id)
    const path = { loss: 0, shape: 1, maxSymbols: 1 }
    const reply = new Reply(Buffer.alloc(0), path, this.#config)
    const exchange = this.#create(now, session, message, { name: 'cached', reply })
    this.#send(now, exchange, reply, () => reply.whole(path))
  }

  #fetch (now: number, session: Session, asked: Asked, object: Buffer, entry?: OpenEntry): void {
    const { id, attempt } = asked
    const refusal = this.#refusal(now, session)
    if (refusal !== undefined) {
      // The id stays unused: the same request may come again.
      if (refusal === 'busy') this.#stats.busy++
      const retryAfter = refusal === 'busy' ? this.#config.retryAfter : 0
      return this.#notify(session, id, attempt, refusal, { retryAfter })
    }
    session.window.accept(id)
    let message: Buffer
    try {
      message = decodeObject(object, this.#config.maxRequest)
    } catch {
      const exchange = this.#create(now, session, asked, { name: 'failed', code: 'bad-request', facts: {}, noticesLeft: NOTICES })
      return this.#repeatFailure(exchange)
    }
    if (entry !== undefined) entry.fetched = true
    const handle = this.#nextHandle++
    const deadline = now + this.#config.fetchDeadline
    const exchange = this.#create(now, session, asked, { name: 'fetching', handle, deadline })
    this.#fetches.set(handle, exchange)
    session.fetches++
    this.#stats.fetches++
    this.events.push({ type: 'fetch', handle, message, from: session.destination, deadline })
  }

  #refusal (now: number, session: Session): 'busy' | 'draining' | undefined {
    if (this.isDraining) return 'draining'
    const { maxFetches, maxFetchesPerSession } = this.#config
    if (this.#fetches.size >= maxFetches || session.fetches >= maxFetchesPerSession) return 'busy'
    if (!session.peer.isProven && !this.#newcomers.take(now, 1)) return 'busy'
    return undefined
  }

  #create (now: number, session: Session, { id, attempt, flags }: Asked, state: ExchangeState): Exchange {
    const exchange: Exchange = { session, id, attempt, copy: flags, path: session.path, max: session.max, state, touched: now, held: 0 }
    this.#exchanges.add(now, exchange)
    return exchange
  }

  #answer (now: number, exchange: Exchange, object: Buffer): void {
    const reply = new Reply(object, exchange.path, this.#config)
    exchange.state = { name: 'cached', reply }
    this.#send(now, exchange, reply, () => reply.whole(exchange.path), true)
  }

  #send (now: number, exchange: Exchange, reply: Reply, choose: (reply: Reply) => ReturnType<Reply['whole']>, isFirst = false): void {
    const range = choose(reply)
    this.#exchanges.touch(now, exchange)
    if (range === undefined) {
      this.#stats.capped++
      return
    }
    if (!isFirst) this.#stats.repeats++
    this.#outbox.push(exchange.session, new SymbolBurst(exchange, reply, range))
  }

  #conclude (now: number, exchange: Exchange, code: WireErrorName, facts: FailureFacts): void {
    exchange.state = { name: 'failed', code, facts, noticesLeft: NOTICES + 1 }
    this.#exchanges.touch(now, exchange)
    this.#repeatFailure(exchange)
  }

  #repeatFailure (exchange: Exchange): void {
    const { state, session, id, attempt } = exchange
    if (state.name !== 'failed' || state.noticesLeft < 1) return
    state.noticesLeft--
    this.#notify(session, id, attempt, state.code, state.facts, exchange)
  }

  #notify (session: Session, id: number, attempt: number, code: WireErrorName, facts: FailureFacts, owner?: Exchange): void {
    if (this.#outbox.push(session, new Notice(session, id, attempt, code, facts, owner))) this.#stats.errors++
  }

  #forget (exchange: Exchange): void {
    if (exchange.state.name === 'fetching') {
      const { handle } = exchange.state
      if (this.#finish(handle) !== undefined) this.events.push({ type: 'cancelled', handle })
    }
    this.#outbox.cancel(exchange.session, exchange)
    this.#exchanges.remove(exchange)
  }

  /** Takes a fetch off the list; undefined when nobody waits for it. */
  #finish (handle: number): Exchange | undefined {
    const exchange = this.#fetches.get(handle)
    if (exchange === undefined) return undefined
    this.#fetches.delete(handle)
    exchange.session.fetches--
    return exchange
  }

  #first (): { handle: number, deadline: number } | undefined {
    const state = this.#fetches.values().next().value?.state
    return state?.name === 'fetching' ? state : undefined
  }
}
