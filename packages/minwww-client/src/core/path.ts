import {
  decodeRate, encodeLoss, encodeRate, LossEstimator, MAX_LOSS, MAX_SHAPE, MIN_TRAIN, RttEstimator, TrainRate, tunnelMessagesOf
} from '@minwww/protocol'
import type { ReplyMessage } from '@minwww/protocol'
import { BurstWatch } from './burst-watch.ts'
import type { ClientConfig } from './config.ts'
import { ShapeLearner } from './shape.ts'
import { symbolTime, wireBytes } from './wire.ts'

/** Bursts watched at once; at more the oldest is taken as over. */
const MAX_WATCHES = 256
const LOSS_MARGIN = 1.25
/** Loss of a path of which little is known. */
const PRIOR_LOSS = 0.01
/** Shortest time that a symbol may be late, ms. */
const MIN_LATE = 20

/** What one client tells one exit about their path. Raw codes of the wire. */
export interface PathReport { loss: number, rate: number, shape: number }

/** Round trip, loss, rate and symbol size of the way between us and one exit. */
export class ExitPath {
  readonly rtt: RttEstimator
  readonly #config: ClientConfig
  readonly #loss = new LossEstimator()
  readonly #train: TrainRate
  readonly #shape: ShapeLearner
  readonly #watches = new Map<string, BurstWatch>()
  #bottleneck: number | undefined
  #granted = false
  #passed = 0
  #symbol = 1
  #pace: number

  constructor (config: ClientConfig) {
    this.#config = config
    this.rtt = new RttEstimator(config.initialTimeout / 3)
    this.#train = new TrainRate(config.initialRate)
    this.#pace = config.initialRate
    this.#shape = new ShapeLearner({ growRun: config.growRun, retry: config.shapeRetry })
  }

  /** Loss per tunnel message to plan with, 0 to 0.12. */
  get loss (): number {
    if (this.#config.replyMode === 'single' || this.#loss.clean >= this.#config.cleanRun) return 0
    return Math.min(MAX_LOSS, this.#loss.value * LOSS_MARGIN)
  }

  /** The path loses more than parity can cover. */
  get isHopeless (): boolean {
    return this.#loss.excessive
  }

  /** Bytes/s granted to the exit. */
  get rate (): number {
    return Math.min(this.#config.maxRate, Math.max(this.#config.minRate, this.#train.grant))
  }

  /** Bytes/s that the path carries, as far as known. */
  get carries (): number {
    return Math.min(this.rate, this.#bottleneck ?? Infinity)
  }

  shape (now: number): number {
    return this.#config.replyMode === 'single' ? MAX_SHAPE : this.#shape.shape(now)
  }

  /** The rate is 0 (nothing granted) until a train was measured: the exit then uses its own start. */
  report (now: number): PathReport {
    return { loss: encodeLoss(this.loss), rate: this.#granted ? encodeRate(this.rate) : 0, shape: this.shape(now) }
  }

  /** srtt + 4 rttvar, doubled for each attempt; the configured first timeout while nothing is known. */
  timeout (attempt: number): number {
    return this.rtt.hasSample ? this.rtt.rto(attempt) : this.#config.initialTimeout * this.rtt.backoff(attempt)
  }

  /** How much later than its turn a symbol may come, ms. */
  get lateness (): number {
    return Math.max(MIN_LATE, 4 * this.rtt.rttvar) + this.rtt.srtt / 2
  }

  /** What a burst may be late beyond its symbol times before it is asked for more, ms (section 6). */
  get slack (): number {
    return Math.max(MIN_LATE, 2 * this.rtt.rttvar)
  }

  /** ms between two symbols of m tunnel messages at the announced pace, or slower if they come slower. */
  spacing (m: number, pace: number, watch?: BurstWatch): number {
    return Math.max(symbolTime(m, Math.min(pace, this.#bottleneck ?? pace)), watch?.spacing ?? 0)
  }

  /** Tunnel messages of the symbols that come at present. */
  get symbol (): number {
    return this.#symbol
  }

  /** ms until a reply's first symbol is through, and those before it that may be lost in a row with 1 %. */
  get firstSymbolTime (): number {
    const q = symbolLoss(this.loss, this.#symbol)
    const inARow = q > 0 ? Math.log(0.01) / Math.log(q) : 0
    return (1 + inARow) * symbolTime(this.#symbol, Math.min(this.#pace, this.#bottleneck ?? Infinity))
  }

  /** The time between a request's last copy and a symbol, without what the symbol itself took to come through. */
  measure (roundTrip: number, m: number): void {
    const transmission = this.#bottleneck === undefined ? 0 : symbolTime(m, this.#bottleneck)
    this.rtt.sample(Math.max(roundTrip - transmission, roundTrip / 8))
  }

  /** Takes note of a symbol, whether its page still needs it or not. */
  observe (now: number, key: string, from: number, reply: ReplyMessage, payloadLength: number): BurstWatch {
    let watch = this.#watches.get(key)
    if (watch === undefined) {
      watch = new BurstWatch(from, reply.last, tunnelMessagesOf(payloadLength), decodeRate(reply.pace))
      if (this.#watches.size >= MAX_WATCHES) this.#close(now, this.#watches.keys().next().value!)
      this.#watches.set(key, watch)
    }
    this.#passed += watch.advance(reply.index) * wireBytes(payloadLength)
    this.#symbol = watch.m
    this.#pace = watch.pace
    const rest = Math.max(0, reply.last - reply.index) * this.spacing(watch.m, watch.pace, watch)
    watch.observe(now, reply.index, reply.last, this.#passed, now + rest * 1.05 + this.lateness)
    if (watch.isWhole) this.#close(now, key)
    return watch
  }

  nextTimeout (): number | undefined {
    let next: number | undefined
    for (const watch of this.#watches.values()) if (next === undefined || watch.closeAt < next) next = watch.closeAt
    return next
  }

  /** Bursts whose time is over are counted. */
  handleTimeout (now: number): void {
    for (const [key, watch] of this.#watches) if (watch.closeAt <= now) this.#close(now, key)
  }

  #close (now: number, key: string): void {
    const watch = this.#watches.get(key)!
    this.#watches.delete(key)
    const { m, announced, received, train } = watch
    const isAsFastAsSent = this.#train.sample(train)
    if (train.symbols >= MIN_TRAIN) this.#learnBottleneck(train, isAsFastAsSent)
    // What is lost where the rate was too high is no property of the path (section 7.4).
    if (!isAsFastAsSent) return
    if (this.#isExcess(announced - received, announced, m)) this.#train.congestion()
    this.#loss.burst(received, announced, m)
    this.#shape.burst(now, { m, announced, received, outOfOrder: watch.isOutOfOrder })
  }

  #learnBottleneck (train: BurstWatch['train'], isAsFastAsSent: boolean): void {
    this.#granted = true
    const arrival = train.duration > 0 ? train.bytes / train.duration * 1000 : Infinity
    if (!isAsFastAsSent) this.#bottleneck = arrival
    else if (this.#bottleneck !== undefined && arrival > this.#bottleneck) this.#bottleneck = arrival
  }

  /** More than twice the loss that the estimate says, beyond chance. */
  #isExcess (lost: number, announced: number, m: number): boolean {
    const expected = announced * symbolLoss(Math.max(this.#loss.value, PRIOR_LOSS), m)
    return announced >= MIN_TRAIN && lost > 2 * expected + 3 * Math.sqrt(expected)
  }
}

function symbolLoss (p: number, m: number): number {
  return 1 - (1 - p) ** m
}
