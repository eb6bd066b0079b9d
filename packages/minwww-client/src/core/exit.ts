import type { Destination } from '@minwww/i2cp/codec'
import { PoolMember } from '../pool/member.ts'
import type { ClientConfig } from './config.ts'
import type { Exchange } from './exchange.ts'
import { ExitPath } from './path.ts'
import type { ClientRequest } from './request.ts'
import type { ExitSession } from './session.ts'
import type { ExitState, ExitStatus } from './types.ts'

/** Room in flight beyond one round trip, ms (section 7.3). */
const IN_FLIGHT_MARGIN = 1_000
/** Requests under way at once; an exit that takes fewer says so by ERROR 2. */
const MAX_ACTIVE = 48
/** An exit that is asked for patience longer than this, s, has no room for anybody. */
const MAX_SHED = 5

/** One exit as this client knows it: sessions, path, health and what is under way. */
export class Exit {
  readonly id: string
  readonly destination: Destination
  readonly path: ExitPath
  readonly member: PoolMember
  /** By own Destination; a source without a session has not been used yet. */
  readonly sessions: Array<ExitSession | undefined> = []
  readonly exchanges = new Set<Exchange>()
  /** Requests that wait for room in flight, oldest first. Bounded by the live requests of the client. */
  readonly waiting: ClientRequest[] = []
  probe: ClientRequest | undefined
  /** Own Destination that it is asked from first: the one that an answer came to last, since routers keep a dead path per pair for a while. */
  source = 0
  lastSymbolAt = Number.NEGATIVE_INFINITY
  heardAt = Number.NEGATIVE_INFINITY
  reportedState: ExitState = 'new'
  readonly #config: ClientConfig
  /** Requests that it takes at once, as far as known. */
  #limit = MAX_ACTIVE

  constructor (id: string, destination: Destination, config: ClientConfig, member?: PoolMember) {
    this.id = id
    this.destination = destination
    this.#config = config
    this.path = new ExitPath(config)
    this.member = member ?? new PoolMember(id)
  }

  /** Bytes announced, or assumed of a reply of unknown size, and not yet received. */
  get inFlight (): number {
    let bytes = 0
    for (const exchange of this.exchanges) bytes += exchange.outstanding(this.#config.unknownReply)
    return bytes
  }

  /** Whether one more request may go out. An idle exit always has room. */
  hasRoom (): boolean {
    if (this.#active >= Math.floor(this.#limit)) return false
    const inFlight = this.inFlight
    const limit = this.path.rate * (this.path.rtt.srtt + IN_FLIGHT_MARGIN) / 1000
    return inFlight === 0 || inFlight + this.#config.unknownReply <= limit
  }

  /** A page has come. */
  served (): void {
    this.#limit = Math.min(MAX_ACTIVE, this.#limit + 1 / this.#limit)
  }

  /**
   * It had no room for one request beside the others.
   * @param retryAfter - s
   * @returns false if it has none at all for a while
   */
  shed (retryAfter: number): boolean {
    const others = this.#active - 1
    if (others < 1 || retryAfter > MAX_SHED) return false
    this.#limit = Math.max(1, Math.min(this.#limit, others) / 2)
    return true
  }

  get #active (): number {
    let count = 0
    for (const exchange of this.exchanges) if (exchange.isActive && !exchange.request.isProbe) count++
    return count
  }

  /** ms that what is under way still takes, at the rate the path carries. */
  get backlog (): number {
    return this.inFlight * 1000 / this.path.carries
  }

  get pending (): number {
    return this.exchanges.size + this.waiting.length
  }

  state (now: number): ExitState {
    if (this.member.isDraining(now)) return 'draining'
    if (this.member.isBusy(now)) return 'busy'
    if (this.member.isOnProbation()) return this.probe === undefined ? 'down' : 'probation'
    if (this.probe !== undefined && this.member.score === undefined) return 'probing'
    return this.path.rtt.hasSample ? 'ready' : 'new'
  }

  status (now: number): ExitStatus {
    const { rtt, loss, rate } = this.path
    return {
      id: this.id,
      destination: this.destination,
      state: this.state(now),
      ...(rtt.hasSample ? { srtt: rtt.srtt, rttvar: rtt.rttvar } : {}),
      loss,
      rate,
      shape: this.path.shape(now),
      ...(this.member.score === undefined ? {} : { score: this.member.score }),
      successes: this.member.successes,
      failures: this.member.failures,
      inFlight: this.inFlight,
      waiting: this.waiting.length
    }
  }
}
