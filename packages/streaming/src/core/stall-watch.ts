/** A stream asks for another tunnel no sooner than this after it did so before, ms. */
const INTERVAL = 10_000
/** Of the jitter before it does: a share of the retransmission timeout, and ms. */
const JITTER_SHARE = 1 / 4
const MAX_JITTER = 2_000

/** What the watch reads of a stream, whenever one of its packets leaves. */
export interface StallSigns {
  /** Retransmission timeouts that have passed. */
  readonly timeouts: number
  /** Packets that came although they were here. */
  readonly duplicates: number
  /** Retransmission timeout, ms. */
  readonly rto: number
}

/**
 * When a stream is to ask its router for another outbound tunnel, as proposal 171 says: a retransmission timeout has passed without an
 * ACK; or the peer repeats what it was sent an ACK for, and so does not get the ACKs. A random while later, and once in 10 s.
 */
export class StallWatch {
  readonly #random: () => number
  #timeouts = 0
  #duplicates = 0
  /** An ACK has left since a duplicate came. */
  #isAnswered = false
  #dueAt: number | undefined
  #askedAt = Number.NEGATIVE_INFINITY

  /** `random`: 0..1. */
  constructor (random: () => number) {
    this.#random = random
  }

  /** A packet leaves, which carries an ACK. True: with the request for another tunnel. Times in ms. */
  leaves (now: number, { timeouts, duplicates, rto }: StallSigns): boolean {
    const isUnheard = timeouts > this.#timeouts
    const isRepeated = duplicates > this.#duplicates
    const isDeaf = isRepeated && this.#isAnswered
    this.#timeouts = timeouts
    this.#duplicates = duplicates
    this.#isAnswered ||= isRepeated
    if (isUnheard || isDeaf) this.#dueAt ??= now + this.#random() * Math.min(rto * JITTER_SHARE, MAX_JITTER)
    if (this.#dueAt === undefined || now < this.#dueAt || now - this.#askedAt < INTERVAL) return false
    this.#dueAt = undefined
    this.#isAnswered = false
    this.#askedAt = now
    return true
  }
}
