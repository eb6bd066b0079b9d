import { SmoothedRtt } from '@minwww/ground'
import { MAX_LOSS } from './choice.ts'

const MIN_RTO = 100
const MAX_RTO = 60_000
const INITIAL_RTT = 1_000

/** RFC 6298 with a floor of 100 ms; times in ms. Feed it only samples that are unambiguous. */
export class RttEstimator {
  readonly #initial: number
  readonly #smoothed = new SmoothedRtt()

  /** `initial`: the RTT assumed before the first sample. */
  constructor (initial = INITIAL_RTT) {
    this.#initial = initial
  }

  get hasSample (): boolean {
    return this.#smoothed.srtt !== undefined
  }

  get srtt (): number {
    return this.#smoothed.srtt ?? this.#initial
  }

  get rttvar (): number {
    return this.hasSample ? this.#smoothed.rttvar : this.#initial / 2
  }

  sample (milliseconds: number): void {
    if (milliseconds >= 0) this.#smoothed.sample(milliseconds)
  }

  /** srtt + 4 rttvar, at least `least` (100 ms), doubled for each attempt, at most a minute. */
  rto (attempt = 0, least = MIN_RTO): number {
    return Math.min(MAX_RTO, Math.max(least, this.srtt + 4 * this.rttvar) * this.backoff(attempt))
  }

  /** Factor of an attempt, 0 being the first. */
  backoff (attempt: number): number {
    return 2 ** attempt
  }
}

const HALF_LIFE = 800
/** Loss per tunnel message of a path of which nothing is known. */
export const PRIOR_LOSS = 0.01
const MARGIN = 1.25
/** Keeps the estimate able to rise again; far below what a byte can say. */
const FLOOR = 1e-5

/** Loss per tunnel message (section 5): exponential, half-life 800 tunnel messages. */
export class LossEstimator {
  #value: number
  #clean = 0

  constructor (prior = PRIOR_LOSS) {
    this.#value = prior
  }

  /**
   * A burst is over: `received` of `announced` symbols, m tunnel messages each, came in time. A lost symbol counts as
   * the tunnel messages that the present estimate expects to be lost in it, not as all m.
   */
  burst (received: number, announced: number, m: number): void {
    if (!(announced > 0 && m > 0)) return
    const lost = Math.max(0, announced - received)
    const p = Math.max(this.#value, FLOOR)
    const perSymbol = p / -Math.expm1(m * Math.log1p(-p))
    const weight = 2 ** (-announced * m / HALF_LIFE)
    this.#value = Math.min(1 - FLOOR, this.#value * weight + lost / announced * perSymbol * (1 - weight))
    this.#clean = lost > 0 ? 0 : this.#clean + announced * m
  }

  /** The estimate itself, 0..1. */
  get value (): number {
    return this.#value
  }

  /** Tunnel messages since the last lost symbol. */
  get clean (): number {
    return this.#clean
  }

  /** What to plan with: the estimate times 1.25, at most 12 %. */
  get upper (): number {
    return Math.min(MAX_LOSS, this.#value * MARGIN)
  }

  /** Above 12 %: change the exit. */
  get excessive (): boolean {
    return this.#value * MARGIN > MAX_LOSS
  }
}
