import { MESSAGE_BURST, MESSAGE_RATE, TUNNEL_BYTES } from '@minwww/protocol'

/** A train of fewer symbols says nothing about a rate. */
export const MIN_TRAIN = 7

const BOTTLENECK = 0.85
const BACK_OFF = 0.95
const FULL = 0.97
const SEARCH = 2
const PROBE = 1.1
const LOSS_BACK_OFF = 0.7
/** What is left of what trains have shown before, after one that was slower. */
const FORGET = 0.5
/** An exit sends this many bytes/s of grant as one more message back to back: 24 of them at 480 messages/s. */
const PER_MESSAGE = MESSAGE_RATE * TUNNEL_BYTES / MESSAGE_BURST
/** How much longer trains may get than those that came as fast as they were sent. */
const LONGER = 2

/** Symbols that came one after the other. */
export interface Train {
  symbols: number
  /** Bytes that passed after the first symbol. */
  bytes: number
  /** From the first arrival to the last, ms. */
  duration: number
  /** Announced by the exit, B/s. */
  pace: number
}

/**
 * The rate that the client grants an exit (section 7.2), B/s, with some additions: between 85 and 97 % of the pace the
 * train already fills a queue, so the grant becomes what arrived instead of rising further. In the page test that
 * halves the drops at 16 KB/s. On real routers a packet that a link sends again looks like a bottleneck: so a grant that
 * was cut doubles with each good train up to half of what trains have shown. An exit sends more than 24 messages at once to
 * whom it was granted more than 480 KB/s, and gateways of some routers drop what is too much: so the grant does not rise
 * above what trains half as long have proved.
 */
export class RateGrant {
  readonly #least: number
  readonly #most: number
  #grant: number
  #bottleneck: number | undefined
  /** Fastest arrival of a train that came as fast as it was sent. */
  #best = 0
  /** Symbols of the longest train that came as fast as it was sent. */
  #longestTrain = 0

  constructor (initial: number, least: number, most: number) {
    this.#grant = initial
    this.#least = least
    this.#most = most
  }

  get grant (): number {
    return this.#grant
  }

  /** What the path has shown to carry at most; undefined while nothing came slower than it was sent. */
  get bottleneck (): number | undefined {
    return this.#bottleneck
  }

  /** @returns whether the train came as fast as it was sent: then its loss is not congestion (section 7.4) */
  sample ({ symbols, bytes, duration, pace }: Train): boolean {
    // A train whose highest symbol came first has no length, and says nothing.
    if (symbols < MIN_TRAIN || !(pace > 0) || bytes <= 0) return true
    const arrival = duration > 0 ? bytes * 1000 / duration : Infinity
    if (arrival < BOTTLENECK * pace) {
      this.#bottleneck = Math.max(this.#least, arrival)
      this.#best *= FORGET
      this.#set(BACK_OFF * arrival)
      return false
    }
    this.#longestTrain = Math.max(this.#longestTrain, symbols)
    if (arrival < Infinity) this.#best = Math.max(this.#best, arrival)
    if (this.#bottleneck === undefined) this.#set(SEARCH * pace)
    else {
      this.#bottleneck = Math.max(this.#bottleneck, arrival)
      this.#set(arrival < FULL * pace ? arrival : Math.max(PROBE * pace, Math.min(SEARCH * pace, this.#best / 2)))
    }
    return true
  }

  /** Loss rose above twice the estimate. */
  congestion (): void {
    this.#longestTrain /= LONGER
    this.#set(LOSS_BACK_OFF * this.#grant)
  }

  #set (rate: number): void {
    const shown = PER_MESSAGE * Math.max(MESSAGE_BURST, LONGER * this.#longestTrain)
    this.#grant = Math.min(this.#most, shown, Math.max(this.#least, rate))
  }
}
