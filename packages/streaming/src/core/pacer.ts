/** Packets that may leave back to back: a small reply goes out whole, a large window does not overrun a router's queue. */
export const PACER_BURST = 32
const SLOW_START_GAIN = 2
const AVOIDANCE_GAIN = 1.25
/** A token, with room for rounding: at the time that availableAt names there must be one. */
const WHOLE = 0.999

/** Spreads a window over the round trip: a token bucket of packets. Times in ms. */
export class Pacer {
  #tokens = PACER_BURST
  #burst = PACER_BURST
  #at = 0
  /** Packets per ms; Infinity while no RTT is known. */
  #rate = Infinity

  /** So many may leave back to back. */
  limit (now: number, burst: number): void {
    this.#refill(now)
    this.#burst = burst
    this.#tokens = Math.min(this.#tokens, burst)
  }

  update (now: number, window: number, srtt: number | undefined, slowStart: boolean): void {
    this.#refill(now)
    this.#rate = srtt === undefined || srtt <= 0 ? Infinity : (slowStart ? SLOW_START_GAIN : AVOIDANCE_GAIN) * window / srtt
  }

  /** When the next packet may leave; `now` or before if at once. */
  availableAt (now: number): number {
    this.#refill(now)
    return this.#tokens >= WHOLE ? now : now + (1 - this.#tokens) / this.#rate
  }

  take (now: number): void {
    this.#refill(now)
    this.#tokens -= 1
  }

  #refill (now: number): void {
    const elapsed = Math.max(now - this.#at, 0)
    this.#tokens = this.#rate === Infinity ? this.#burst : Math.min(this.#tokens + elapsed * this.#rate, this.#burst)
    this.#at = now
  }
}
