import type { IncomingMessage } from 'node:http'
import { ProxyError } from '../http/failures.ts'
import { reasonOf } from '../http/answer.ts'
import type { Connection, Pending } from './connection.ts'

/** The browser closed the connection before the answer was complete. */
export class BrowserLeft extends Error {}

export interface ExchangeTimes {
  /** ms until the head of the answer, from the last byte of the request's body on. */
  readonly answer: number
  /** ms without a byte of the answer's body. */
  readonly silence: number
}

/**
 * One request's deadline and abort. Whatever it waits for, and whatever that does or leaves undone, `until` settles: when the
 * browser has left, when its body is no HTTP, and at the deadline.
 */
export class Exchange implements Pending {
  readonly #connection: Connection
  readonly #request: IncomingMessage
  readonly #times: ExchangeTimes
  readonly #abort = new AbortController()
  readonly #left = (): void => { this.#abort.abort(new BrowserLeft()) }
  #timer: NodeJS.Timeout

  constructor (connection: Connection, request: IncomingMessage, times: ExchangeTimes) {
    this.#connection = connection
    this.#request = request
    this.#times = times
    this.#timer = setTimeout(() => this.#abort.abort(this.#late()), times.answer)
    connection.pending = this
    connection.once('close', this.#left)
    request.once('error', this.#left)
    if (connection.destroyed) this.#left()
  }

  get signal (): AbortSignal { return this.#abort.signal }

  /** True once the browser is known to be gone. */
  get isLeft (): boolean { return this.#abort.signal.reason instanceof BrowserLeft || this.#connection.destroyed }

  refuse (error: ProxyError): void { this.#abort.abort(error) }

  /** A part of the request's body, or of the answer's: the deadline moves. */
  progress (): void { this.#timer.refresh() }

  /** @throws what `work` throws; the signal's reason, whatever `work` does */
  async until<T> (work: Promise<T>): Promise<T> {
    const { signal } = this.#abort
    if (signal.aborted) {
      work.catch(() => {})
      throw reasonOf(signal)
    }
    let abort = (): void => {}
    const aborted = new Promise<never>((_resolve, reject) => { abort = () => reject(reasonOf(signal)) })
    signal.addEventListener('abort', abort, { once: true })
    try {
      return await Promise.race([work, aborted])
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  /** The head of the answer is there: from now on its body must not stand still. */
  answered (): void {
    clearTimeout(this.#timer)
    const standsStill = (): void => { this.#abort.abort(new ProxyError('MINWWW_UPSTREAM_TIMEOUT', 'the answer stands still')) }
    this.#timer = setTimeout(standsStill, this.#times.silence)
  }

  /** Nothing is watched any more. */
  end (): void {
    clearTimeout(this.#timer)
    this.#connection.off('close', this.#left)
    this.#request.off('error', this.#left)
    // What node still has to say about an abandoned body is of no interest.
    this.#request.on('error', () => {})
    if (this.#connection.pending === this) this.#connection.pending = undefined
  }

  #late (): ProxyError {
    const isSlowRequest = !this.#request.complete
    return isSlowRequest ? new ProxyError('MINWWW_REQUEST_TIMEOUT') : new ProxyError('MINWWW_TIMEOUT', 'no answer within the deadline')
  }
}
