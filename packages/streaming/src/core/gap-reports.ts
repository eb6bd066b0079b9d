import type { TimerTable } from './timers.ts'

/** ACKs that report the same gap: Java counts NACKs and repeats a packet at the third, whatever later packets were acknowledged. */
const REPORTS = 3
/** Without further packets the reports come after this share of the RTT, at most so many ms: before the shortest retransmission timer. */
const INTERVAL_SHARE = 1 / 4
const MAX_INTERVAL = 30
/** So many packets after a needless repetition, gaps are not reported with haste. */
const CALM_PACKETS = 256
/** Late packets that are remembered, to know a needless repetition. */
export const MAX_LATE = 64

/**
 * When to tell the sender again of a gap. One ACK for a whole burst, as the protocol's delays make it, leaves a sender that
 * counts NACKs to its retransmission timer; so each packet behind a new gap is answered, three times, and if no more come,
 * the missing answers follow by a timer. On a path that reorders this makes senders repeat what was only late: then it stops.
 * Times in ms.
 */
export class GapReports {
  #highest = -1
  /** Bounded by the receiver's span. */
  readonly #missing = new Set<number>()
  readonly #late = new Set<number>()
  /** Reports that the newest gap still gets. */
  #left = 0
  /** Reports for packets that arrived. */
  #owed = 0
  #packets = 0
  #calmUntil = 0
  #interval = 0
  readonly #timers: TimerTable

  /** Sets the timer 'gap' to when the next report is due. */
  constructor (timers: TimerTable) {
    this.#timers = timers
  }

  /** A packet that is new. */
  received (now: number, sequence: number, srtt = 0): void {
    this.#packets += 1
    const late = this.#missing.delete(sequence)
    if (late) this.#remember(sequence)
    else this.#advance(sequence)
    if (this.#missing.size === 0 || this.#packets < this.#calmUntil) return this.stop()
    this.#interval = Math.min(srtt * INTERVAL_SHARE, MAX_INTERVAL)
    if (late || this.#left === 0) return
    this.#left -= 1
    this.#owed += 1
    this.#timers.set('gap', now)
  }

  /** A packet that we had. */
  duplicate (sequence: number): void {
    if (this.#late.delete(sequence)) this.#calmUntil = this.#packets + CALM_PACKETS
  }

  /** An ACK leaves. */
  reported (now: number): void {
    if (this.#owed > 0) this.#owed -= 1
    else if (this.#left > 0) this.#left -= 1
    if (this.#owed > 0) this.#timers.set('gap', now)
    else if (this.#left > 0 && this.#interval > 0) this.#timers.set('gap', now + this.#interval)
    else this.#timers.stop('gap')
  }

  stop (): void {
    this.#left = this.#owed = 0
    this.#timers.stop('gap')
  }

  #remember (sequence: number): void {
    this.#late.add(sequence)
    if (this.#late.size > MAX_LATE) this.#late.delete(this.#late.values().next().value!)
  }

  #advance (sequence: number): void {
    for (let missing = this.#highest + 1; missing < sequence; missing++) {
      this.#missing.add(missing)
      this.#left = REPORTS
    }
    this.#highest = sequence
  }
}
