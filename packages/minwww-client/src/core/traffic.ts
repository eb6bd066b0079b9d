import { tunnelMessagesOf } from '@minwww/protocol'
import type { RequestTrace } from './types.ts'

/** What one request costs, over everything that is sent and received for it. */
export class Traffic {
  readonly #startedAt: number
  #messagesSent = 0
  #messagesReceived = 0
  #symbols = 0
  #bytesSent = 0
  #bytesReceived = 0
  #tunnelMessages = 0
  #firstAnswerAt: number | undefined
  #repaired = false
  #hedged = false

  constructor (startedAt: number) {
    this.#startedAt = startedAt
  }

  /** Something has come for this request. */
  get isAnswered (): boolean {
    return this.#firstAnswerAt !== undefined
  }

  /** ms since the first of what came for it; 0 before. */
  comesFor (now: number): number {
    return now - (this.#firstAnswerAt ?? now)
  }

  /** @param length - bytes of the payload */
  sent (length: number): void {
    this.#messagesSent++
    this.#bytesSent += length
    this.#tunnelMessages += tunnelMessagesOf(length)
  }

  /** @param length - bytes of the payload */
  received (now: number, length: number): void {
    this.#messagesReceived++
    this.#bytesReceived += length
    this.#tunnelMessages += tunnelMessagesOf(length)
    this.#firstAnswerAt ??= now
  }

  receivedSymbol (): void {
    this.#symbols++
  }

  /** Symbols had to be asked for again. */
  repaired (): void {
    this.#repaired = true
  }

  /** A second exit was asked before the first had failed. */
  hedged (): void {
    this.#hedged = true
  }

  trace (now: number, attempts: number): RequestTrace {
    return {
      attempts,
      messagesSent: this.#messagesSent,
      messagesReceived: this.#messagesReceived,
      symbols: this.#symbols,
      bytesSent: this.#bytesSent,
      bytesReceived: this.#bytesReceived,
      tunnelMessages: this.#tunnelMessages,
      ...(this.#firstAnswerAt === undefined ? {} : { firstSymbol: this.#firstAnswerAt - this.#startedAt }),
      total: now - this.#startedAt,
      repaired: this.#repaired,
      hedged: this.#hedged
    }
  }
}
