import { MIN_TRAIN } from './rate-grant.ts'
import type { Train } from './rate-grant.ts'

/** A gap of so many times the mean one, per byte, is a pause of the exit, not the path's rate. */
const PAUSE = 4
/** Gaps that make a mean. */
const MIN_GAPS = 3

/**
 * Symbols of one exit as they come, whatever reply they belong to: small pages side by side show the rate of the path as
 * one large page does. It lasts as long as something announced is yet to come, so that the exit has never paused.
 */
export class ExitTrain {
  #symbols = 0
  #bytes = 0
  #firstAt = 0
  #lastAt = 0
  /** ms that the bytes take at the announced paces. */
  #announced = 0
  #verdict: boolean | undefined

  /** @param bytes - what passed since the symbol before, lost ones included. @returns whether it belongs to this train */
  add (now: number, bytes: number, pace: number): boolean {
    if (this.#symbols > 0) {
      if (this.#isPause(now - this.#lastAt, bytes)) return false
      this.#bytes += bytes
      this.#announced += bytes * 1000 / Math.max(1, pace)
    } else this.#firstAt = now
    this.#symbols++
    this.#lastAt = now
    return true
  }

  /** It came as fast as it was sent; undefined until that was measured. */
  get verdict (): boolean | undefined {
    return this.#verdict
  }

  judge (wasAsFastAsSent: boolean): void {
    this.#verdict = wasAsFastAsSent
  }

  /** When its last symbol came. */
  get lastAt (): number {
    return this.#lastAt
  }

  /** Undefined while it is too short to say anything. */
  get result (): Train | undefined {
    if (this.#symbols < MIN_TRAIN || this.#bytes === 0) return undefined
    return {
      symbols: this.#symbols, bytes: this.#bytes, duration: this.#lastAt - this.#firstAt, pace: this.#bytes * 1000 / this.#announced
    }
  }

  #isPause (gap: number, bytes: number): boolean {
    if (this.#symbols <= MIN_GAPS) return false
    const mean = (this.#lastAt - this.#firstAt) / this.#bytes
    return gap > PAUSE * mean * bytes && gap > this.#announced / (this.#symbols - 1) * PAUSE
  }
}
