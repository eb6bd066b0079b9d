import type { ConnectionConfig } from './config.ts'
import { EXTRA_RESEND_INTERVAL, MAX_RTO } from './constants.ts'

/** Retransmissions of one packet for any reason, as a multiple of maxResends: one packet that never comes through ends the stream. */
const SENDS_PER_RESEND = 3

/** Timeouts, or probes, in a row without a word from the peer. After each but the last something was sent again. */
export class Silence {
  #tries = 0
  /** When the first was, and the last, ms. */
  #since = 0
  #triedAt = 0

  get tries (): number { return this.#tries }

  /** One more. @returns whether the peer is given up: they are too many, and have been tried for long enough */
  tried (now: number, { maxResends, patience }: ConnectionConfig, sends = 0): boolean {
    if (this.#tries++ === 0) this.#since = this.#triedAt = now
    const wasLong = this.#triedAt - this.#since >= patience
    this.#triedAt = now
    return (this.#tries > maxResends && wasLong) || sends > SENDS_PER_RESEND * maxResends
  }

  /** Longest time until the next, ms. */
  longest ({ maxResends }: ConnectionConfig): number { return this.#tries > maxResends ? EXTRA_RESEND_INTERVAL : MAX_RTO }

  /** The peer was heard. */
  end (): void { this.#tries = 0 }
}
