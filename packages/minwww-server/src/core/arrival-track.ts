import { SECOND_SESSION, TUNNEL_BYTES, type Arrivals } from '@minwww/protocol'
import { SentHistory } from './sent-history.ts'

/** A reading takes so long at least, and at most, ms. */
const SHORTEST = 300
const LONGEST = 10_000
/** Delay that is no queue: as clients count it (section 7.2), ms and as a share of the least round trip. */
const NOISE = 1 / 5
const MIN_NOISE = 12
const MAX_NOISE = 250
/** The least round trip is that of the last one or two of these, ms. */
const BASE_PERIOD = 20_000
/** Of what its client grants, what a session is sent that nothing else holds back. */
const HELD_BACK = 0.9
/** The fastest that a queue can have become shorter. */
const LEAST_STRETCH = 0.2

/** What a REPORT says of what was sent to its session between two times. All ms of the exit's clock. */
export interface Reading {
  /** When the REPORT came. */
  at: number
  since: number
  until: number
  /** What its newest symbols waited at a bottleneck. */
  queue: number
  /** A shorter queue may be chance. */
  noise: number
  /** Bytes that were sent to the session, and the share of them that came. */
  bytes: number
  ratio: number
  /** It was sent less than its client grants. */
  isHeldBack: boolean
  /** How much longer it took to come than to be sent: above 1 a queue grows. */
  stretch: number
}

/** What was sent to one session, and what came of it by its REPORTs. */
export class ArrivalTrack {
  readonly sent = new SentHistory()
  #reading: Reading | undefined
  #last: { until: number, received: number, queue: number } | undefined
  #roundTrips: [number, number] = [Infinity, Infinity]
  #baseSince: number
  #isSecond = false

  constructor (now: number) {
    this.#baseSince = now
  }

  /** The newest one. */
  get reading (): Reading | undefined {
    return this.#reading
  }

  /** Its client speaks in another session as well, and is not counted twice. */
  get isSecond (): boolean {
    return this.#isSecond
  }

  /** @param grant - bytes/s. False if there is no new reading: the REPORT is too early, too late, or speaks of what nobody remembers. */
  reported (now: number, { time, queue, received, flags = 0 }: Arrivals & { flags?: number }, grant: number): boolean {
    this.#isSecond = (flags & SECOND_SESSION) !== 0
    if (received === 0) return false
    const last = this.#last
    const until = now - (Math.floor(now) - time & 0xffff)
    const span = last === undefined ? Infinity : until - last.until
    if (span < SHORTEST) return false
    this.#learnBase(now, now - until)
    this.#last = { until, received, queue }
    const bytes = span > LONGEST || now - until > LONGEST ? 0 : this.sent.between(last!.until, until) ?? 0
    if (bytes <= 0) return false
    const came = ((received - last!.received) >>> 0) * TUNNEL_BYTES
    this.#reading = {
      at: now,
      since: last!.until,
      until,
      queue,
      noise: Math.min(MAX_NOISE, Math.max(MIN_NOISE, NOISE * Math.min(...this.#roundTrips))),
      bytes,
      ratio: Math.min(1, came / bytes),
      isHeldBack: bytes * 1000 / span < HELD_BACK * grant,
      stretch: Math.max(LEAST_STRETCH, (span + queue - last!.queue) / span)
    }
    return true
  }

  #learnBase (now: number, roundTrip: number): void {
    if (now - this.#baseSince > BASE_PERIOD) {
      this.#roundTrips = [this.#roundTrips[1], Infinity]
      this.#baseSince = now
    }
    this.#roundTrips[1] = Math.min(this.#roundTrips[1], roundTrip)
  }
}
