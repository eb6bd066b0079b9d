import { TUNNEL_BYTES } from '@minwww/protocol'
import { flowOf, type Arrival, type Flow } from './arrivals.ts'
import { ProbeTrain } from './probe-train.ts'
import { nearest, oneMessageIn, rateOf } from './rates.ts'

/** What slow start adds in one round trip at most, tunnel messages: real routers drop a link with 500 waiting. */
const MAX_STEP = 400
/** Share of the round trip that one measurement takes, and the shortest, ms. */
const ROUND = 1 / 4
const MIN_ROUND = 5
/** Symbols that make a measurement, or bytes of fewer. */
const MIN_SYMBOLS = 4
const MIN_BYTES = 6 * TUNNEL_BYTES
/** Tunnel messages that are a measurement in startup however fast they came. */
const TRAIN = 48
/** Slower than this share of how it was sent: a queue grows. */
const SLOWER = 0.85
const STEADY = 0.98
/** An exit that sends less than this share of what it was granted has nothing more to send. */
const FULL = 0.8
/** Delay that is no queue: the least and the most, ms, and as a share of the round trip. */
const MIN_NOISE = 12
const NOISE = 1 / 5
const MAX_NOISE = 250
/** Tunnel messages that each flow keeps in the queue: flows that keep the same share it fairly (TCP Vegas). */
const QUEUED = 16
/** 2 / ln 2: the least with which what comes doubles in each round trip (BBR, section 5.3.1). */
const STARTUP_GAIN = 2.89
/** Bounds of what the grant may be of the bottleneck's rate. */
const MOST_GAIN = 1.25
const LEAST_GAIN = 0.5
/** Round trips without a queue after which slow start begins again. */
const FREE = 2
/** Then the rate grows so much in each. */
const SEARCH = 1.5
/** What is left of the rate after losses that chance does not explain; how fast it rises in each round trip after that; for so many. */
const LOSS_CUT = 0.7
const RECOVERY = 1.04
const CAREFUL = 10
/** What is left of the grant where nothing came, and how often in a row: a dead tunnel says nothing of the rate of the next. */
const SILENT_CUT = 0.5
const MAX_SILENCES = 4
/** The least delay is that of the last one or two of these, ms. */
const BASE_PERIOD = 10_000
/** Silence after which times of before say nothing, ms: half of what 16 bits of them hold. */
const STALE = 30_000
/** Symbols and grants that are remembered. */
const MAX_RECENT = 2_048
const MAX_HISTORY = 64

/** What came between two measurements; `queue` is the shortest that a symbol met, ms. */
interface Round { since: number, bytes: number, symbols: number, queue: number }

/** What the controller needs to know of the path, ms. */
export interface RoundTrip { srtt: number }

/**
 * The rate that a client grants an exit, bytes/s of whole tunnel messages (section 7.2). Each symbol says when it was sent.
 * So the receiver sees how long a queue is (as LEDBAT, RFC 6817, and GCC do), and compares how fast symbols came with how fast
 * they were sent, whatever reply they belong to; a pause of the exit shows in both.
 *
 * *Startup* (as in BBR): more than twice of what came in the last round trip, until a queue grows. *Steady*: the bottleneck's rate, a
 * little more while the queue is shorter than a few tunnel messages, less while it is longer (TCP Vegas); what was granted and has
 * not come yet counts as queued. While no queue grows at all, the bottleneck is searched further up.
 */
export class RateController {
  readonly #firstWindow: number
  readonly #least: number
  readonly #most: number
  #grant: number
  #mode: 'startup' | 'steady' = 'startup'
  #bottleneck: number | undefined
  #ceiling = Infinity
  #hasArrived = false
  /** Unwrapped time of the newest symbol. */
  #clock: { at: number, time: number, sent: number } | undefined
  /** The symbols that waited least in the last two periods. */
  #bases: [Arrival | undefined, Arrival | undefined] = [undefined, undefined]
  #baseSince = 0
  /** ms of queue that the last measurement saw. */
  #queue = 0
  /** What came in the last round trip, and at least a few symbols. */
  readonly #recent: Arrival[] = []
  #window = 0
  #round: Round | undefined
  /** ms for which symbols came as fast as was granted and no queue grew. */
  #free = 0
  #latest = 0
  #searchedAt = Number.NEGATIVE_INFINITY
  #cutAt = Number.NEGATIVE_INFINITY
  #raisedAt = Number.NEGATIVE_INFINITY
  /** Grants of the last round trip and the one in force before. */
  readonly #history: Array<{ at: number, rate: number }> = []
  #isCongested = false
  /** How often requests have brought nothing since anything came. */
  #silences = 0
  /** The last answer to a probe, and the last one of more than one message, if there is one. */
  #answer: ProbeTrain | undefined
  #train: ProbeTrain | undefined

  /**
   * @param o.initial - bytes/s before a round trip was measured
   * @param o.window - tunnel messages that may be under way before anything came back, and until a first REPORT can change the rate
   * @param o.least - bytes/s, as `most`: no grant is outside of them
   */
  constructor (o: { initial: number, window: number, least: number, most: number }) {
    this.#grant = o.initial
    this.#firstWindow = o.window
    this.#least = o.least
    this.#most = o.most
  }

  /** Bytes/s. */
  get grant (): number { return this.#grant }

  /** What the path has shown to carry at most, bytes/s; undefined while no queue was seen. */
  get bottleneck (): number | undefined { return this.#bottleneck }

  /** ms of queue that the last measurement saw; what the last symbol met is `latest`. */
  get queue (): number { return this.#queue }

  get latest (): number { return this.#latest }

  /** The queue is longer than it should be: what is lost now says nothing of the path (section 7.4). */
  get isCongested (): boolean { return this.#isCongested }

  /** A first round trip was measured, and nothing else: how much may go into it. */
  begin ({ srtt }: RoundTrip): void {
    if (this.#hasArrived || this.#silences > 0 || this.#bottleneck !== undefined || this.#train?.isMeasured === true) return
    this.#set(0, rateOf(this.#firstWindow, srtt))
  }

  /**
   * A message of the answer to a probe came. Several leave at once (packet trains: Dovrolis, Ramanathan, Moore 2001); how far apart
   * they come bounds what the path carries, and with that what may go into the first round trip.
   */
  probed (now: number, name: string, time: number, bytes: number, path: RoundTrip): void {
    this.#learnBase(now, { at: now, sent: this.#unwrap(now, time), bytes, bottleneck: Infinity })
    if (this.#hasArrived || this.#silences > 0 || this.#bottleneck !== undefined) return
    const answer = this.#answer
    if (answer?.name !== name) {
      this.#answer = new ProbeTrain(now, name, time)
      return
    }
    answer.came(now, time, bytes)
    this.#train = answer
    // It never lowers the window: gateways may hold a message back.
    this.#set(now, Math.min(rateOf(MAX_STEP, path.srtt), Math.max(rateOf(this.#firstWindow, path.srtt), answer.carried)))
  }

  /** Much will come that nobody has asked for: what the train showed at most is the bottleneck until symbols tell more. */
  beware (now: number): void {
    if (this.#hasArrived || this.#bottleneck !== undefined) return
    const most = this.#train?.bottleneck(this.#grant)
    if (most === undefined) return
    this.#bottleneck = Math.max(this.#least, most)
    this.#mode = 'steady'
    this.#set(now, this.#bottleneck)
  }

  /** What an earlier run measured, bytes/s. */
  restore (bottleneck: number): void {
    if (this.#hasArrived) return
    this.#bottleneck = Math.min(this.#most, Math.max(this.#least, bottleneck))
    this.#mode = 'steady'
    this.#set(0, this.#bottleneck)
  }

  /** A stream of the same path has carried so much, bytes/s. */
  carried (now: number, rate: number): void {
    if (this.#bottleneck !== undefined) this.#bottleneck = Math.max(this.#bottleneck, Math.min(rate, this.#most))
    if (rate > this.#grant) this.#set(now, rate)
  }

  /**
   * A symbol came.
   * @param time - of the exit when it was sent, ms modulo 65,536
   * @param bytes - of its tunnel messages
   * @param announced - bytes that are yet to come
   */
  arrived (now: number, time: number, bytes: number, announced: number, path: RoundTrip): void {
    this.#hasArrived = true
    this.#silences = 0
    const arrival = { at: now, sent: this.#unwrap(now, time), bytes, bottleneck: this.#bottleneck ?? Infinity }
    this.#learnBase(now, arrival)
    this.#recent.push(arrival)
    this.#window += bytes
    while (this.#recent.length > MAX_RECENT || this.#isOld(this.#recent[0]!, now - path.srtt)) this.#window -= this.#recent.shift()!.bytes
    const queue = this.#delayOf(arrival) - this.#base
    this.#latest = queue
    const round = this.#round
    if (round === undefined) {
      this.#round = { since: now, bytes: 0, symbols: 1, queue }
      return
    }
    round.bytes += bytes
    round.symbols++
    round.queue = Math.min(round.queue, queue)
    const isTrain = this.#mode === 'startup' && round.bytes >= TRAIN * TUNNEL_BYTES
    const length = isTrain ? MIN_ROUND : Math.max(MIN_ROUND, ROUND * path.srtt)
    if (now - round.since < length || (round.symbols < MIN_SYMBOLS && round.bytes < MIN_BYTES)) return
    this.#measure(now, round, announced, path)
    this.#round = { since: now, bytes: 0, symbols: 1, queue: Infinity }
  }

  /** Nothing came of what was asked for: the path is dead, or so full that all was dropped. Then less is better (RFC 5681, section 3.1). */
  silence (now: number, { srtt }: RoundTrip): void {
    if (now - Math.max(this.#cutAt, this.#recent.at(-1)?.at ?? Number.NEGATIVE_INFINITY) < srtt) return
    this.#cutAt = now
    if (++this.#silences <= MAX_SILENCES) this.#set(now, SILENT_CUT * this.#grant)
  }

  /**
   * More was lost than chance explains.
   * @param isQueue - a queue was seen, and is drained already
   */
  congestion (now: number, { srtt }: RoundTrip, isQueue = false): void {
    if (now - this.#cutAt < srtt) return
    this.#cutAt = now
    this.#bottleneck ??= this.#grant
    this.#mode = 'steady'
    if (isQueue) {
      // A queue that is always full looks like one that does not grow: only what comes says what the path carries.
      this.#bottleneck = Math.max(this.#least, LEAST_GAIN * this.#bottleneck, Math.min(this.#bottleneck, this.#delivered(now)))
      this.#set(now, Math.min(this.#grant, this.#bottleneck))
      return
    }
    this.#ceiling = Math.max(this.#least, LOSS_CUT * Math.min(this.#bottleneck, this.#grant))
    this.#raisedAt = now
    this.#set(now, this.#ceiling)
  }

  #unwrap (now: number, time: number): number {
    const last = this.#clock
    if (last === undefined || now - last.at > STALE) {
      this.#forget(now)
      this.#clock = { at: now, time, sent: now }
      return now
    }
    const step = (time - last.time) << 16 >> 16
    const sent = last.sent + step
    if (step >= 0) this.#clock = { at: now, time, sent }
    return sent
  }

  /** Times of before say nothing. */
  #forget (now: number): void {
    this.#bases = [undefined, undefined]
    this.#baseSince = now
    this.#recent.length = 0
    this.#window = 0
    this.#round = undefined
    this.#queue = 0
  }

  #isOld ({ at, bytes }: Arrival, before: number): boolean {
    return at < before && this.#recent.length > MIN_SYMBOLS && this.#window - bytes >= 2 * MIN_BYTES
  }

  /** ms between sending and coming, by two clocks; what a long symbol takes at the bottleneck beyond one tunnel message is no queue. */
  #delayOf ({ at, sent, bytes, bottleneck }: Arrival): number {
    return at - sent - (bytes - TUNNEL_BYTES) * 1000 / Math.max(bottleneck, this.#bottleneck ?? Infinity)
  }

  get #base (): number {
    return Math.min(...this.#bases.map(arrival => arrival === undefined ? Infinity : this.#delayOf(arrival)))
  }

  #learnBase (now: number, arrival: Arrival): void {
    if (now - this.#baseSince > BASE_PERIOD) {
      this.#bases = [this.#bases[1], undefined]
      this.#baseSince = now
    }
    const least = this.#bases[1]
    if (least === undefined || this.#delayOf(arrival) < this.#delayOf(least)) this.#bases[1] = arrival
  }

  #measure (now: number, round: Round, announced: number, path: RoundTrip): void {
    const noise = Math.min(MAX_NOISE, Math.max(MIN_NOISE, NOISE * path.srtt))
    this.#queue = round.queue
    const flow = flowOf(this.#recent)
    // Times that only go backwards say nothing.
    if (!(flow.arrival > 0)) return
    const grows = flow.came - flow.sent > noise && flow.sent < SLOWER * flow.came
    if (this.#mode === 'startup') {
      if (round.queue > noise || grows) this.#settle(flow)
      else this.#accelerate(now, flow, announced, path.srtt)
    } else this.#learn(now, { ...flow, noise, grows }, path.srtt)
    if (this.#mode === 'steady') this.#steer(now, announced, noise, path.srtt)
  }

  #settle ({ arrival }: Flow): void {
    this.#mode = 'steady'
    this.#bottleneck = Math.max(this.#least, arrival)
  }

  /** More than twice what came in a round trip, but for what real routers cannot hold. */
  #accelerate (now: number, { arrival, pace }: Flow, announced: number, srtt: number): void {
    const came = Math.max(this.#perRoundTrip(now, srtt), Math.min(arrival, pace, this.#grant))
    const step = announced <= MAX_STEP * TUNNEL_BYTES ? Infinity : MAX_STEP * TUNNEL_BYTES * 1000 / (srtt + 50)
    this.#set(now, Math.max(this.#grant, Math.min(STARTUP_GAIN * came, came + step)))
  }

  #learn (now: number, m: Flow & { noise: number, grows: boolean }, srtt: number): void {
    const bottleneck = this.#bottleneck!
    const { pace } = m
    const isBusy = this.#queue > m.noise / 2
    if (isBusy) {
      this.#free = 0
      const isLong = m.grows || this.#queue > 2 * this.#target(m.noise, srtt)
      if (isLong && m.arrival < SLOWER * bottleneck && pace > m.arrival / SLOWER) this.#bottleneck = m.arrival
      else if (m.arrival > bottleneck) this.#bottleneck = bottleneck + (m.arrival - bottleneck) / 2
      else if (pace >= 0.95 * bottleneck && m.arrival < STEADY * pace) this.#bottleneck = bottleneck + (m.arrival - bottleneck) / 4
    } else {
      if (pace < Infinity && m.arrival < 2 * pace) this.#bottleneck = Math.max(bottleneck, Math.min(m.arrival, pace))
      if (pace < FULL * this.#grantedAt(now - 1.5 * srtt)) this.#free = 0
      this.#search(now, m.came, srtt)
    }
    this.#bottleneck = Math.max(this.#least, this.#bottleneck!)
  }

  /** No queue for some round trips: the bottleneck has gone, or was none. Never more than twice what came. */
  #search (now: number, duration: number, srtt: number): void {
    this.#free += duration
    if (this.#free < FREE * srtt || now - this.#searchedAt < srtt) return
    this.#searchedAt = now
    const factor = this.#free < 2 * FREE * srtt ? MOST_GAIN : SEARCH
    const bottleneck = this.#bottleneck!
    this.#bottleneck = Math.max(bottleneck, Math.min(factor * bottleneck, 2 * this.#perRoundTrip(now, srtt)))
  }

  /** ms of queue to keep. */
  #target (noise: number, srtt: number): number {
    return Math.min(Math.max(noise, srtt / 2), Math.max(noise, QUEUED * TUNNEL_BYTES * 1000 / this.#bottleneck!))
  }

  #steer (now: number, announced: number, noise: number, srtt: number): void {
    const bottleneck = this.#bottleneck!
    const target = this.#target(noise, srtt)
    const excess = Math.min(this.#granted(now, srtt) - bottleneck * srtt / 1000, announced)
    const queue = this.#queue + Math.max(0, excess) * 1000 / bottleneck
    const gain = Math.min(MOST_GAIN, Math.max(LEAST_GAIN, 1 + (target - queue) / Math.max(srtt, 100)))
    this.#isCongested = this.#queue > 2 * target
    this.#raiseCeiling(now, srtt)
    // One tunnel message more in each round trip at least (TCP Vegas): where others keep a queue, who has little would stay there.
    const least = this.#queue < target ? bottleneck + oneMessageIn(srtt) : 0
    this.#set(now, Math.max(gain * bottleneck, least))
  }

  /** Little by little for some round trips after losses, then faster. */
  #raiseCeiling (now: number, srtt: number): void {
    if (this.#ceiling === Infinity) return
    const careful = this.#cutAt + CAREFUL * srtt
    const slow = Math.max(0, Math.min(now, careful) - this.#raisedAt)
    const fast = Math.max(0, now - Math.max(this.#raisedAt, careful))
    this.#raisedAt = now
    const roundTrip = Math.max(1, srtt)
    const factor = RECOVERY ** (slow / roundTrip) * MOST_GAIN ** (fast / roundTrip)
    // And one tunnel message in each at least (RFC 5681), or who has little keeps little.
    this.#ceiling = Math.max(factor * this.#ceiling, this.#ceiling + oneMessageIn(srtt) * (slow + fast) / roundTrip)
  }

  /** The rate as it was granted then. */
  #grantedAt (time: number): number {
    return (this.#history.findLast(({ at }) => at <= time) ?? this.#history[0])?.rate ?? this.#grant
  }

  /** Bytes granted in the last round trip: they come in the next one. */
  #granted (now: number, srtt: number): number {
    let bytes = 0
    let until = now
    for (let i = this.#history.length - 1; i >= 0 && until > now - srtt; i--) {
      const { at, rate } = this.#history[i]!
      bytes += rate * Math.max(0, until - Math.max(at, now - srtt)) / 1000
      until = at
    }
    return bytes
  }

  /** Bytes/s of what came lately, with all pauses. */
  #delivered (now: number): number {
    const [first] = this.#recent
    return first === undefined ? Infinity : (this.#window - first.bytes) * 1000 / Math.max(1, now - first.at)
  }

  /** Bytes/s that came in the last round trip. */
  #perRoundTrip (now: number, srtt: number): number {
    return this.#recent.reduce((sum, { at, bytes }) => at < now - srtt ? sum : sum + bytes, 0) * 1000 / Math.max(1, srtt)
  }

  #set (now: number, rate: number): void {
    this.#grant = nearest(Math.min(this.#most, Math.max(this.#least, Math.min(rate, this.#ceiling))))
    this.#history.push({ at: now, rate: this.#grant })
    if (this.#history.length > MAX_HISTORY) this.#history.shift()
  }
}
