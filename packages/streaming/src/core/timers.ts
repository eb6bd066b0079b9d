/** Timers that make a stream act. When several have expired, they act in this order. */
export const ACTING = [
  /** Until the peer answers our SYN; then the stream fails (connectTimeout). */
  'connect',
  /** Until a SYN is sent again of which the router said that it will not arrive. */
  'repeat-syn',
  /** Until the pacer lets the next packet leave. */
  'pace',
  /** Until a packet that later ones have overtaken counts as lost. */
  'reorder',
  /** Until the lowest unacknowledged packet is sent again (RTO). Not while the peer chokes us. */
  'retransmit',
  /** Until a peer that chokes us is asked whether it still does. */
  'persist',
  /** Until the stream fails for want of data from the peer (readTimeout). */
  'read',
  /** Until the stream fails because what was written does not leave (writeTimeout). */
  'write',
  /** Until a silent peer is asked whether it still has the stream. */
  'ask',
  /** Until a stream on which nothing moves does its inactivityAction. */
  'inactivity'
] as const

/** Timers after which a plain ACK leaves, if no data has carried one before. */
export const ACKNOWLEDGING = [
  /** Until what has arrived is acknowledged at the latest. */
  'ack',
  /** Until a burst counts as over, when nothing more comes. */
  'quiet',
  /** Until an unchoke is said again. */
  'unchoke',
  /** Until the same gap is reported again. */
  'gap'
] as const

/** Until the SYN, or the reply to it, no longer waits for data to carry. */
const STARTING = ['start'] as const

export type ActingTimer = typeof ACTING[number]
export type Timer = ActingTimer | typeof ACKNOWLEDGING[number] | typeof STARTING[number]

export const NOT_ACKNOWLEDGING: readonly Timer[] = [...ACTING, ...STARTING]
const TIMERS: readonly Timer[] = [...NOT_ACKNOWLEDGING, ...ACKNOWLEDGING]

/** All the timers of one stream, each set or stopped; the times are those of its clock, ms. */
export class TimerTable {
  readonly #at: Partial<Record<Timer, number | undefined>> = {}

  /** Starts it, or moves it. */
  set (timer: Timer, at: number): void { this.#at[timer] = at }

  stop (timer: Timer): void { this.#at[timer] = undefined }

  stopAll (): void { for (const timer of TIMERS) this.stop(timer) }

  /** When it expires; undefined when it is stopped. */
  at (timer: Timer): number | undefined { return this.#at[timer] }

  isSet (timer: Timer): boolean { return this.#at[timer] !== undefined }

  isExpired (timer: Timer, now: number): boolean {
    const at = this.#at[timer]
    return at !== undefined && at <= now
  }

  /** Stops it if it has expired. False for one that was stopped or moved since somebody asked for next(): that is no expiry. */
  expired (timer: Timer, now: number): boolean {
    if (!this.isExpired(timer, now)) return false
    this.stop(timer)
    return true
  }

  /** When the first of them, by default of all, expires. */
  next (timers: readonly Timer[] = TIMERS): number | undefined {
    let least: number | undefined
    for (const timer of timers) {
      const at = this.#at[timer]
      if (at !== undefined && (least === undefined || at < least)) least = at
    }
    return least
  }
}
