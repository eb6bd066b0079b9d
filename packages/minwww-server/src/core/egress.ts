import { TUNNEL_BYTES, type Arrivals } from '@minwww/protocol'
import { ArrivalTrack, type Reading } from './arrival-track.ts'
import { SentHistory } from './sent-history.ts'

/** Sessions that are watched at once; of more, these are a sample. */
export const MAX_TRACKS = 256
/** Readings that are waited for, at most: without a limit, and with one. */
const FIRST = 3
const ENOUGH = 5
/** Share of the busy sessions that is enough where they are fewer: one that says nothing is not waited for. */
const QUORUM = 2 / 3
/**
 * Sessions cost nothing, and who lies answers first. So those who speak have so much of all that is sent, and so have those who spoke since
 * a change where they are many, or there was time for all of them.
 */
const COVERED = 1 / 2
/** Age of a reading that still counts, and after a change of the limit until what is sent counts, ms. */
const FRESH = 3_000
const SETTLED = 250
/** So much in so long makes a session busy, ms. */
const BUSY = 16 * TUNNEL_BYTES
const BUSY_TIME = 3_000
/** Where a queue is seen, a full one: less than this share came. */
const LOSSY = 0.7
/** Where less than this share of the limit is sent, the limit is not what holds it back. */
const FULL = 0.8
/** After so many such steps it ends. */
const UNUSED = 10
/** Bounds of what the limit may be of the bottleneck's rate. */
const LEAST_GAIN = 0.7
const MOST_GAIN = 1.05
/** While no queue is seen, so much more in each step; until one was seen under a limit. */
const PROBES = [1.03, 1.06, 1.12, 1.25, 1.5] as const
const SEARCH = 1.5
/** The queue is emptied so often, so that clients see how long their paths are without it, ms. */
const DRAIN = 8_000
/** A queue that nobody speaks of any more: the limit falls. ms */
const SILENT = 2_000
/** Nobody shares: the limit rises. Nobody says anything: it ends. ms */
const ALONE = 3_000
const FORGET = 12_000
const CHECK = 1_000
const MIN_QUIET = 10_000
const MAX_QUIET = 300_000
const RISE = 1.25
const LEAST = 8 * TUNNEL_BYTES

/** A session, and the rate that its client grants, bytes/s. */
export interface Watched { readonly bucket: { readonly rate: number } }

/**
 * What the exit's own tunnels carry, bytes/s, learned from REPORTs. Where several sessions see a queue at once, it may be the one that
 * they share: then the exit divides what comes through, as if the operator had said it (coupled congestion control, RFC 8699).
 * Like BBR it takes what comes for the bottleneck's rate, like TCP Vegas it keeps a short queue, and empties it now and then.
 *
 * Two sessions at least, and two thirds of them, must see a queue: one alone moves nothing. Where bottlenecks are the clients' own, those
 * that the limit holds back see no queue, and it rises until it holds nobody back. Loss alone says nothing.
 */
export class Egress {
  readonly #sent = new SentHistory()
  readonly #tracks = new Map<Watched, ArrivalTrack>()
  #limit = Infinity
  #bottleneck = 0
  #isConfirmed = false
  #isCongested = false
  #probes = 0
  /** Steps in which it held nobody back. */
  #slack = 0
  #changedAt = Number.NEGATIVE_INFINITY
  #checkedAt = 0
  #cutAt = Number.NEGATIVE_INFINITY
  #quiet = MIN_QUIET
  #quietUntil = Number.NEGATIVE_INFINITY
  #drainedAt = Number.NEGATIVE_INFINITY

  /** Bytes/s; Infinity while the tunnels are not the bottleneck, or nobody knows. */
  get limit (): number {
    return this.#limit
  }

  /** A message left. */
  sent (now: number, session: Watched, bytes: number): void {
    this.#sent.add(now, bytes)
    const track = this.#tracks.get(session) ?? this.#watch(now, session)
    track?.sent.add(now, bytes)
  }

  /** A REPORT that is genuine, and newer than those before. */
  reported (now: number, session: Watched, arrivals: Arrivals & { flags?: number }): void {
    if (this.#tracks.get(session)?.reported(now, arrivals, session.bucket.rate) === true) this.#decide(now)
  }

  nextTimeout (): number | undefined {
    return this.#limit === Infinity ? undefined : this.#checkedAt + CHECK
  }

  handleTimeout (now: number): void {
    if (this.#limit === Infinity || now < this.#checkedAt + CHECK) return
    this.#checkedAt = now
    const silence = now - this.#changedAt
    if (silence > FORGET) this.#limit = Infinity
    else if (this.#isCongested && silence > SILENT && now - this.#sent.latest < SILENT) this.#cut(now)
    else if (silence > ALONE && this.#busy(now) < 2) this.#limit *= RISE
  }

  #watch (now: number, session: Watched): ArrivalTrack | undefined {
    if (this.#tracks.size >= MAX_TRACKS) {
      for (const [other, { sent }] of this.#tracks) if (now - sent.latest > FORGET) this.#tracks.delete(other)
      if (this.#tracks.size >= MAX_TRACKS) return undefined
    }
    const track = new ArrivalTrack(now)
    this.#tracks.set(session, track)
    return track
  }

  /** What should have said how long the queue is was dropped there. */
  #cut (now: number): void {
    if (now - this.#cutAt < SILENT) return
    this.#cutAt = now
    this.#limit = Math.max(LEAST, LEAST_GAIN * this.#limit)
  }

  #busy (now: number): number {
    let count = 0
    for (const { sent } of this.#tracks.values()) if ((sent.between(now - BUSY_TIME, now) ?? 0) >= BUSY) count++
    return count
  }

  #isEnough (now: number, count: number): boolean {
    const most = this.#limit === Infinity ? FIRST : ENOUGH
    return count >= most || (count >= 2 && count >= QUORUM * this.#busy(now))
  }

  #counts (now: number, reading: Reading | undefined): boolean {
    return reading !== undefined && reading.until > this.#changedAt + SETTLED && now - reading.at < FRESH
  }

  /** Of what was sent just now those who speak at all, and those whose readings count, have their share. */
  #isCovered (now: number): boolean {
    let speakers = 0
    let speaking = 0
    let counted = 0
    for (const { reading, sent } of this.#tracks.values()) {
      const bytes = sent.since(now - BUSY_TIME)
      if (reading !== undefined && now - reading.at < FORGET) {
        speakers++
        speaking += bytes
      }
      if (this.#counts(now, reading)) counted += bytes
    }
    const least = COVERED * this.#sent.since(now - BUSY_TIME)
    return speaking >= least && (speakers <= ENOUGH || counted >= least || now - this.#changedAt > FRESH)
  }

  #decide (now: number): void {
    const readings: Reading[] = []
    let clients = 0
    for (const { reading, isSecond } of this.#tracks.values()) {
      if (!this.#counts(now, reading)) continue
      readings.push(reading!)
      if (!isSecond) clients++
    }
    if (!this.#isEnough(now, readings.length) || !this.#isCovered(now)) return
    const agreed = agree(readings)
    const isLossy = agreed.ratio < LOSSY && agreed.excess > 0
    this.#isCongested = agreed.excess > 0
    // Who has what he grants does not need a higher limit, and the queue that he sees may be his own.
    const held = readings.filter(({ isHeldBack }) => isHeldBack)
    const { queue, noise } = held.length === 0 ? agreed : agree(held)
    const isEmpty = queue < noise / 2
    if (isEmpty) this.#drainedAt = now
    if (this.#limit === Infinity) {
      // One alone is not held back: it finds its rate itself, and knows more.
      if (clients >= 2 && this.#isCongested && now >= this.#quietUntil) this.#begin(now, readings, isLossy)
    } else if (held.length === 0) this.#idle(now)
    else if (isEmpty) this.#probe(now, readings)
    else this.#steer(now, readings, agreed, isLossy)
  }

  #begin (now: number, readings: readonly Reading[], isLossy: boolean): void {
    const came = sum(readings.map(({ bytes, ratio }) => bytes * ratio)) / sum(readings.map(({ bytes }) => bytes))
    const stretch = Math.max(1, median(readings.map(({ stretch }) => stretch)))
    this.#bottleneck = Math.max(this.#carried(readings, isLossy), this.#rate(readings) * came / stretch)
    this.#probes = 0
    this.#slack = 0
    this.#isConfirmed = false
    this.#set(now, this.#bottleneck)
  }

  /** No queue: it carries what is sent at least. */
  #probe (now: number, readings: readonly Reading[]): void {
    const sent = this.#rate(readings)
    this.#bottleneck = Math.max(this.#bottleneck, Math.min(sent, this.#limit))
    if (this.#limit < this.#bottleneck) return this.#set(now, this.#bottleneck)
    if (sent < FULL * this.#limit) return this.#idle(now)
    this.#slack = 0
    // What was sent under the limit before says nothing of this one.
    if (median(readings.map(({ since, until }) => (since + until) / 2)) < this.#changedAt) return
    this.#set(now, this.#limit * (this.#isConfirmed ? PROBES[Math.min(this.#probes, PROBES.length - 1)]! : SEARCH))
    this.#probes++
  }

  /** The limit holds nobody back. */
  #idle (now: number): void {
    this.#slack++
    if (this.#slack < UNUSED) this.#set(now, this.#limit)
    else this.#end(now)
  }

  /** Where queues are still seen, they are the clients' own: to try again soon is useless. */
  #end (now: number): void {
    if (this.#isCongested) {
      this.#quietUntil = now + this.#quiet
      this.#quiet = Math.min(MAX_QUIET, 2 * this.#quiet)
    } else this.#quiet = MIN_QUIET
    this.#set(now, Infinity)
  }

  #steer (now: number, readings: readonly Reading[], { queue, noise, excess }: Agreed, isLossy: boolean): void {
    this.#probes = 0
    this.#slack = 0
    this.#isConfirmed ||= !isLossy
    this.#bottleneck += (this.#carried(readings, isLossy) - this.#bottleneck) / 2
    const isDrained = now - this.#drainedAt <= DRAIN
    if (!isDrained) this.#drainedAt = now
    // No faster than the answer to a change comes.
    const time = Math.max(1_000, 1.5 * (now - median(readings.map(({ since }) => since))))
    const gain = 1 - (isDrained ? excess : queue + noise) / time
    this.#set(now, this.#bottleneck * Math.min(MOST_GAIN, Math.max(LEAST_GAIN, gain)))
  }

  /** Bytes/s that were sent to all sessions, in the time of one reading. */
  #rate (readings: readonly Reading[]): number {
    return this.#sentBetween(median(readings.map(({ since }) => since)), median(readings.map(({ until }) => until)))
  }

  /** Bytes/s that came through the bottleneck, of all sessions: what each reading says, and half of them at least. */
  #carried (readings: readonly Reading[], isLossy: boolean): number {
    return median(readings.map(({ since, until, ratio, stretch }) => this.#sentBetween(since, until) * (isLossy ? ratio : 1) / stretch))
  }

  #sentBetween (since: number, until: number): number {
    return (this.#sent.between(since, until) ?? 0) * 1000 / (until - since)
  }

  #set (now: number, limit: number): void {
    this.#limit = Math.max(LEAST, limit)
    this.#changedAt = now
    this.#checkedAt = now
  }
}

/** What two thirds of the readings say at least, and both of two; ms, `excess` beyond the noise. */
interface Agreed { queue: number, noise: number, excess: number, ratio: number }

function agree (readings: readonly Reading[]): Agreed {
  const rank = Math.floor(readings.length / 3)
  const at = (value: (reading: Reading) => number): number => readings.map(value).sort(ascending)[rank]!
  return {
    queue: at(({ queue }) => queue),
    noise: at(({ noise }) => noise),
    excess: at(({ queue, noise }) => queue - noise),
    ratio: -at(({ ratio }) => -ratio)
  }
}

const ascending = (a: number, b: number): number => a - b
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
/** Of an even number the upper one in the middle. */
const median = (values: readonly number[]): number => [...values].sort(ascending)[values.length >> 1]!
