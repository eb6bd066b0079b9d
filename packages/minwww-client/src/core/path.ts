import {
  decodeRate, encodeLoss, encodeRate, INITIAL_SHAPE, LossEstimator, MAX_SHAPE, PRIOR_LOSS, RttEstimator, SHAPES, TUNNEL_BYTES,
  tunnelMessagesOf, wireBytes, WORKING_AFTER
} from '@minwww/protocol'
import type { ReplyMessage } from '@minwww/protocol'
import { BurstWatch } from './burst-watch.ts'
import type { ClientConfig } from './config.ts'
import { RateController } from './rate-controller.ts'
import { ShapeLearner } from './shape.ts'
import { symbolTime } from './wire.ts'

/** Bursts watched at once; at more the oldest is forgotten. */
export const MAX_WATCHES = 256
/** Bursts whose symbol size is remembered. */
const RECENT = 16
/** Bursts that were counted before all of them was here. */
export const MAX_COUNTED = 16
/** Symbol times of silence that never mean the end of a burst. */
const MIN_RUN = 3
/** Backlog, in round trips, above which a round trip says nothing; and for how long that is accepted, ms. */
const LOADED = 0.25
const MAX_RTT_AGE = 10_000
/** Time that a symbol may take at the bottleneck, ms, unless it is as small as the first ones: an eighth of the rate still has room for it. */
const MAX_SYMBOL_TIME = 62
/** Most loss to plan with while nothing was lost: a reply in one message gets no copy (section 5), longer ones get parity. */
const LOSS_WHILE_NONE_SEEN = 0.003
/** Shortest time that a symbol may be late, ms. */
const MIN_LATE = 20
/** Shortest timeout of a path that has lost something, ms; before, nothing is repeated for a slow moment of a computer. */
const MIN_TIMEOUT = 30
/** Symbol times are stretched by this much. */
const STRETCH = 1.05
/** A change of the rate that is told at once; ms between two such, also as a part of the round trip; and what must have come meanwhile. */
const CHANGE = 0.04
const MIN_REPORT = 5
const REPORTS = 6
const REPORT_BYTES = 20 * TUNNEL_BYTES
/** While symbols come, what came is told after so long, ms, if it is so much. */
const REPORT_EVERY = 500
const REPORT_AT_LEAST = 8 * TUNNEL_BYTES
const PAUSE = 1_000
/** Symbols that say whether more is lost than chance explains. */
const MIN_TRAIN = 7

/** What is known of the pace of an exit's symbols; all ms. */
export interface GapTimes {
  /** Between two symbols. */
  spacing: number
  /** How late the last one may be. */
  slack: number
  /** How long nothing at all may come while there is something to send. */
  silence: number
  /** Until everything under way from this exit has come. */
  backlog: number
}

/** What one client tells one exit about their path. Raw codes of the wire. */
export interface PathReport { loss: number, rate: number, shape: number }

/** Round trip, loss, rate and symbol size of the way between us and one exit. */
export class ExitPath {
  readonly rtt: RttEstimator
  readonly #config: ClientConfig
  readonly #loss = new LossEstimator()
  readonly #rate: RateController
  readonly #shape: ShapeLearner
  readonly #watches = new Map<string, BurstWatch>()
  /** Bursts that were counted, oldest first: what still comes of one was late, and makes no new one. */
  readonly #counted = new Map<string, BurstWatch>()
  #measuredAt = Number.NEGATIVE_INFINITY
  readonly #recent: number[] = []
  #hasLost = false
  #pace: number
  /** When a rate was told last. */
  #toldAt = Number.NEGATIVE_INFINITY
  /** Bytes that came since the last REPORT of another rate, and since the last one. */
  #unreported = REPORT_BYTES
  #untold = { at: Number.NEGATIVE_INFINITY, since: 0, bytes: 0 }

  constructor (config: ClientConfig) {
    this.#config = config
    this.rtt = new RttEstimator(config.initialTimeout / 3)
    this.#rate = new RateController({ initial: config.initialRate, window: config.initialWindow, least: config.minRate, most: config.maxRate })
    this.#pace = config.initialRate
    this.#shape = new ShapeLearner({ growRun: config.growRun, retry: config.shapeRetry })
  }

  /** What an earlier run measured, ms and bytes/s; a round trip that was measured in this run is worth more. */
  restore (srtt: number, bottleneck?: number): void {
    if (this.rtt.hasSample) return
    this.rtt.sample(srtt)
    if (bottleneck !== undefined) this.#rate.restore(bottleneck)
    this.#rate.begin(this.rtt)
  }

  /** A stream of the same path has carried so much, bytes/s. Of no effect before a message was answered. */
  carried (now: number, rate: number): void {
    if (this.rtt.hasSample) this.#rate.carried(now, rate)
  }

  /** More will come of a first request than it asks for. */
  beware (now: number): void {
    this.#rate.beware(now)
  }

  /** Loss per tunnel message to plan with, 0 to 0.12. */
  get loss (): number {
    if (this.#config.replyMode === 'single' || this.#loss.clean >= this.#config.cleanRun) return 0
    return this.#hasLost ? this.#loss.upper : Math.min(LOSS_WHILE_NONE_SEEN, this.#loss.upper)
  }

  /** Loss that a request itself must expect: one message is enough until something was lost on this path. */
  get requestLoss (): number {
    return this.#hasLost ? this.loss : 0
  }

  /** Nothing came of a request: it, or all of its answer, was lost; it may be at a queue that is full. */
  noteSilence (now: number): void {
    this.#hasLost = true
    this.#rate.silence(now, this.rtt)
  }

  /** The path loses more than parity can cover. */
  get exceedsParity (): boolean {
    return this.#loss.excessive
  }

  /** Bytes/s granted to the exit. */
  get rate (): number {
    return this.#rate.grant
  }

  /** Bytes/s; undefined while no queue was seen. */
  get bottleneck (): number | undefined {
    return this.#rate.bottleneck
  }

  /** Bytes/s that the path carries, as far as known. */
  get carries (): number {
    return Math.min(this.rate, this.#rate.bottleneck ?? Infinity)
  }

  /** ms that symbols waited at a bottleneck lately. */
  get queue (): number {
    return Math.max(0, this.#rate.queue)
  }

  shape (now: number): number {
    if (this.#config.replyMode === 'single') return MAX_SHAPE
    // Where the path comes to carry less, one that takes long there finds no room in the queue.
    const longest = Math.max(INITIAL_SHAPE, (this.#rate.bottleneck ?? Infinity) * MAX_SYMBOL_TIME / 1000 / TUNNEL_BYTES)
    const shape = this.#shape.shape(now)
    return shape <= longest ? shape : SHAPES.filter(m => m <= longest).at(-1)!
  }

  /**
   * A REPORT would say something new, and costs little of what comes.
   * @param grant - bytes/s that each session may be sent now
   * @param granted - what each was told
   */
  isReportDue (now: number, grant: number, granted: readonly number[]): boolean {
    if (!this.rtt.hasSample) return false
    return this.#isGrantDue(now, grant, granted) || (now - this.#untold.since >= REPORT_EVERY && this.#untold.bytes >= REPORT_AT_LEAST)
  }

  #isGrantDue (now: number, grant: number, granted: readonly number[]): boolean {
    if (this.#unreported < REPORT_BYTES) return false
    if (now - this.#toldAt < Math.max(MIN_REPORT, this.rtt.srtt / REPORTS)) return false
    return granted.some(told => Math.abs(grant / told - 1) > CHANGE)
  }

  /** All sessions are told now. A REPORT of what came does not delay the next that grants another rate. Before `report`. */
  reporting (now: number, grant: number, granted: readonly number[]): void {
    if (this.#isGrantDue(now, grant, granted)) this.#unreported = 0
    this.#untold = { at: now, since: now, bytes: 0 }
  }

  /** The rate is 0 (nothing granted) until a round trip was measured: the exit then uses its own start. */
  report (now: number, share = 1): PathReport {
    this.#toldAt = now
    return { loss: encodeLoss(this.loss), rate: this.rtt.hasSample ? encodeRate(this.rate * share) : 0, shape: this.shape(now) }
  }

  /** srtt + 4 rttvar, doubled for each attempt; the configured first timeout while nothing is known. */
  timeout (attempt: number): number {
    if (!this.rtt.hasSample) return this.#config.initialTimeout * this.rtt.backoff(attempt)
    return this.rtt.rto(attempt, this.#hasLost ? MIN_TIMEOUT : undefined)
  }

  /** The same for the first sign of an exit: it may say after a moment that it works on the request. */
  signTimeout (attempt: number): number {
    const { hasSample, srtt } = this.rtt
    return Math.max(this.timeout(attempt), hasSample ? srtt + WORKING_AFTER + this.slack : 0)
  }

  /** How much later than its turn a symbol may come, ms. */
  get lateness (): number {
    return Math.max(MIN_LATE, 4 * this.rtt.rttvar) + this.rtt.srtt / 2
  }

  /** What a burst may be late beyond its symbol times before it is asked for more, ms (section 6). */
  get slack (): number {
    return Math.max(MIN_LATE, 2 * this.rtt.rttvar)
  }

  /** How long nothing at all may come while there is something to send, ms. */
  get silence (): number {
    const m = this.symbol
    return this.#longestRun(m) * symbolTime(m, Math.min(this.#pace, this.#rate.bottleneck ?? Infinity)) + this.slack + this.rtt.srtt / 4
  }

  /** How long to wait for what inside a burst. @param backlog - ms until everything under way has come */
  gap (watch: BurstWatch, backlog: number): GapTimes {
    const spacing = this.#spacing(watch)
    const silence = this.#longestRun(watch.m) * spacing + this.slack + this.rtt.srtt / 4
    return { spacing, slack: this.slack, silence, backlog }
  }

  /** Tunnel messages of the symbols that came last. */
  get symbol (): number {
    return this.#recent.at(-1) ?? 1
  }

  /**
   * Bytes until a reply's first symbol is through, and those before it that may be lost in a row. The largest that came
   * lately is expected, or the largest allowed where that grows: a repetition for nothing costs a whole reply.
   */
  firstSymbolBytes (now: number): number {
    const shape = this.shape(now)
    const m = shape > INITIAL_SHAPE ? shape : Math.max(1, ...this.#recent)
    return (1 + this.#lostInARow(m)) * m * TUNNEL_BYTES
  }

  /** Bytes until each of so many replies has had its turn, and those that may be lost in a row. */
  round (replies: number): number {
    const m = Math.max(1, ...this.#recent)
    return replies * (1 + this.#lostInARow(m)) * m * TUNNEL_BYTES
  }

  /** A round trip begun now would measure the queue, not the path; taken all the same if the last sample is old. */
  isLoaded (now: number, backlog: number): boolean {
    return this.rtt.hasSample && backlog > LOADED * this.rtt.srtt && now - this.#measuredAt < MAX_RTT_AGE
  }

  /** The time between a request's last copy and a symbol, without what the symbol itself took to come through. */
  measure (now: number, roundTrip: number, m: number): void {
    this.#measuredAt = now
    const transmission = this.#rate.bottleneck === undefined ? 0 : symbolTime(m, this.#rate.bottleneck)
    this.rtt.sample(Math.max(roundTrip - transmission - this.#rate.latest, roundTrip / 8))
    this.#rate.begin(this.rtt)
  }

  /**
   * Takes note of a symbol, whether its page still needs it or not.
   * @param backlog - ms until everything under way has come: the rest of this burst may come as late
   * @param announced - bytes that are yet to come
   */
  observe (
    now: number, key: string, from: number, reply: ReplyMessage, payloadLength: number, backlog = 0, announced = 0
  ): BurstWatch {
    let watch = this.#watches.get(key) ?? this.#counted.get(key)
    const isCounted = this.#counted.has(key)
    if (watch === undefined) {
      watch = new BurstWatch(from, reply.last, tunnelMessagesOf(payloadLength), decodeRate(reply.pace))
      if (this.#watches.size >= MAX_WATCHES) this.#forget(this.#watches.keys().next().value!)
      this.#watches.set(key, watch)
      this.#recent.push(watch.m)
      if (this.#recent.length > RECENT) this.#recent.shift()
    }
    this.#pace = decodeRate(reply.pace)
    watch.paced(this.#pace)
    this.#unreported += wireBytes(payloadLength)
    // After a pause it begins anew: a page now and then needs no REPORT.
    const { at, since, bytes } = this.#untold
    const isPause = now - at > PAUSE
    this.#untold = { at: now, since: isPause ? now : since, bytes: (isPause ? 0 : bytes) + wireBytes(payloadLength) }
    const rest = Math.max(0, reply.last - reply.index) * this.#spacing(watch)
    watch.observe(now, reply.index, reply.last, now + Math.max(rest, backlog) * STRETCH + this.lateness)
    if (reply.size > 0) this.#rate.arrived(now, reply.time, wireBytes(payloadLength), announced, this.rtt)
    else this.#rate.probed(now, key, reply.time, wireBytes(payloadLength), this.rtt)
    // A train of a probe says nothing of loss: gateways may hold its last message back for longer than a round trip.
    if (this.#rate.isCongested || reply.size === 0) watch.congested()
    if (watch.isWhole && !isCounted) this.#close(now, key)
    return watch
  }

  #forget (key: string): void {
    this.#watches.delete(key)
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

  /** The exit is told to send no more of these: what has not come is not lost. @param name - how the keys of their bursts begin */
  stop (name: string): void {
    for (const [key, watch] of this.#watches) if (key.startsWith(name)) watch.stop()
  }

  /** The way they came on is gone: what is missing of bursts under way is no loss. */
  forgetBursts (): void {
    this.#watches.clear()
    this.#counted.clear()
  }

  /** ms between two symbols: at the announced pace, at the bottleneck's, or as they come while that is unknown. */
  #spacing (watch: BurstWatch): number {
    if (this.#rate.bottleneck !== undefined) return symbolTime(watch.m, Math.min(watch.pace, this.#rate.bottleneck))
    return Math.max(symbolTime(watch.m, watch.pace), watch.spacing ?? 0)
  }

  /** So many symbols in a row are lost because the path is dead, or a queue full. */
  isBeyondChance (symbols: number, m = this.symbol): boolean {
    return symbols > this.#longestRun(m)
  }

  #longestRun (m: number): number {
    return MIN_RUN + 2 * this.#lostInARow(m)
  }

  /** Symbols that are lost one after the other with a probability of 1 %. */
  #lostInARow (m: number): number {
    const q = symbolLoss(this.loss, m)
    return q > 0 ? Math.log(0.01) / Math.log(q) : 0
  }

  #close (now: number, key: string): void {
    const watch = this.#watches.get(key)!
    this.#forget(key)
    if (!watch.isWhole) {
      this.#counted.set(key, watch)
      if (this.#counted.size > MAX_COUNTED) this.#counted.delete(this.#counted.keys().next().value!)
    }
    const { m, received, tail } = watch
    // What is lost where the rate was too high is no property of the path (section 7.4).
    // A path that died on the way has lost all the rest: that says nothing of how much it loses while it lives.
    const announced = watch.announced - (this.isBeyondChance(tail, m) ? tail : 0)
    if (this.#isExcess(announced - received, announced, m)) this.#rate.congestion(now, this.rtt, watch.isCongested)
    if (watch.isCongested && received < watch.announced) return
    if (received < watch.announced) this.#hasLost = true
    this.#loss.burst(received, announced, m)
    this.#shape.burst(now, { m, announced, received, outOfOrder: watch.isOutOfOrder })
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
