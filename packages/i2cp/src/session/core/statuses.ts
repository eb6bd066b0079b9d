import type { Destination } from '../../data/destination.ts'
import { isCertainFailure, isSuccess, MESSAGE_STATUS } from '../../messages/message-status.ts'

/** Most messages whose status is awaited; the oldest is forgotten when another comes. */
export const MAX_PENDING_STATUSES = 1024

/** What a router says about one message. Success means handed to a tunnel or acknowledged: only a hint. */
export interface DeliveryStatus {
  readonly nonce: number
  readonly to: Destination
  /** MESSAGE_STATUS. */
  readonly status: number
  readonly success: boolean
  /** The message will certainly not arrive (codes 8 to 23): do not wait for its answer. */
  readonly certainFailure: boolean
}

/** Nonces of messages sent with `notify`. */
export class Statuses {
  readonly #pending = new Map<number, Destination>()
  #nonce = 0

  /** A new nonce, never 0. */
  add (to: Destination): number {
    this.#nonce = this.#nonce % 0xffff_ffff + 1
    if (this.#pending.size >= MAX_PENDING_STATUSES) this.#pending.delete(this.#pending.keys().next().value!)
    this.#pending.set(this.#nonce, to)
    return this.#nonce
  }

  /** Undefined for a nonce nobody waits for. `accepted` is passed on but does not end the wait. */
  answer (nonce: number, status: number): DeliveryStatus | undefined {
    const to = this.#pending.get(nonce)
    if (to === undefined) return undefined
    if (status !== MESSAGE_STATUS.ACCEPTED) this.#pending.delete(nonce)
    return { nonce, to, status, success: isSuccess(status), certainFailure: isCertainFailure(status) }
  }

  clear (): void { this.#pending.clear() }
}
