import type { Clock, Logger } from '@minwww/ground'
import type { Destination } from '@minwww/i2cp/codec'
import type { WebSide } from '../exit/build-fetcher.ts'
import type { FetchQueue } from '../exit/fetch-queue.ts'
import type { AccessControl } from '../exit/access-control.ts'
import type { Rests } from '../exit/rests.ts'
import type { Statistics } from '../exit/statistics.ts'
import { ServerError } from '../errors.ts'
import { isExpected, toServerError } from '../fetch/failures.ts'
import type { Bandwidth } from '../limits/bandwidth.ts'
import type { Policy } from '../policy/policy.ts'
import type { StreamTimeouts } from './options.ts'

/** What the streaming side shares with the rest of the exit. */
export interface StreamContext {
  web: WebSide
  policy: Policy
  access: AccessControl
  queue: FetchQueue
  rests: Rests
  bandwidth: Bandwidth
  statistics: Statistics
  clock: Clock
  logger: Logger
  logUrls: boolean
  timeouts: StreamTimeouts
  isDraining: () => boolean
  /** The line that says what this exit is. */
  descriptor: () => string
  /** The exit's own address, `...b32.i2p`. */
  own: string
}

/** One request on a stream, from its head to its end. */
export class StreamExchange {
  readonly visitor: Destination
  readonly context: StreamContext
  readonly #started: number
  bytes = 0
  /** Bytes of the same answer that went out before, as a message. */
  before = 0
  /** For the log, where the operator wants it there. */
  url: string | undefined

  constructor (context: StreamContext, visitor: Destination) {
    this.context = context
    this.visitor = visitor
    this.#started = context.clock.now()
  }

  /** @throws ServerError MINWWW_EXIT_DRAINING and what the access control throws */
  admit (method: string): void {
    if (this.context.isDraining()) throw new ServerError('MINWWW_EXIT_DRAINING', 'this exit is shutting down')
    this.context.access.admit(this.visitor, { method })
  }

  /** For bytes from the web towards the client: all limits, and the largest response that the operator allows. */
  async download (bytes: number): Promise<void> {
    this.#count(bytes)
    await this.context.bandwidth.takeIn(this.visitor.b32, bytes)
    await this.#send(bytes)
  }

  /** The same for bytes that were taken in when they were read. */
  async passOn (bytes: number): Promise<void> {
    this.#count(bytes)
    await this.#send(bytes)
  }

  /** For bytes from the client. */
  async upload (bytes: number): Promise<void> {
    this.context.bandwidth.countUpload(bytes)
  }

  /** The limits of all, and the client's own. */
  async #send (bytes: number): Promise<void> {
    const { bandwidth, access, clock } = this.context
    await bandwidth.takeOut(this.visitor.b32, bytes)
    const pause = access.streamed(this.visitor, bytes)
    if (pause > 0) await new Promise<void>(resolve => clock.setTimer(resolve, pause))
  }

  #count (bytes: number): void {
    const { maxResponse } = this.context.policy
    this.bytes += bytes
    if (maxResponse > 0 && this.before + this.bytes > maxResponse) {
      throw new ServerError('MINWWW_EXIT_POLICY', 'the answer is larger than this exit passes on')
    }
  }

  /** The end by a failure, as the client is told it. What nobody foresaw is counted apart, and stands in the log. */
  fail (cause: unknown): ServerError {
    const error = toServerError(cause, 'request')
    if (isExpected(cause)) this.finish(error)
    else reportFault(this.context, cause)
    return error
  }

  finish (error?: ServerError): void {
    const { statistics, clock, logger, logUrls } = this.context
    const milliseconds = clock.now() - this.#started
    statistics.finished('stream', error?.reason ?? 'answered', this.bytes, milliseconds)
    const facts = { outcome: error?.code ?? 'answered', path: 'stream', ms: Math.round(milliseconds) }
    logger.debug(logUrls ? { ...facts, url: this.url } : facts, 'request')
  }
}

/** An error of our own: it ends its exchange, and the exit goes on. */
export function reportFault ({ statistics, logger }: StreamContext, cause: unknown): void {
  statistics.finished('stream', 'internal', 0, 0)
  logger.error({ err: cause }, 'a stream failed by an error of the exit')
}
