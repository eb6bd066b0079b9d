import type { Duplex } from 'node:stream'
import type { Timer } from '@minwww/ground'
import { encodeMessage, FrameReader, I2cpError, PROTOCOL_BYTE, TYPE } from '@minwww/i2cp/codec'
import type { Frame, Message } from '@minwww/i2cp/codec'
import type { RouterContext } from './context.ts'
import { RouterError } from './errors.ts'
import type { RouterSession, SessionClient } from './session.ts'

/** Bytes that are gathered before they are written, while a batch of messages is handled. */
const WRITE_BATCH = 65_536

/** A client that does not even read answers to what it asks is disconnected at this many payload queues. */
const CONTROL_QUEUE_FACTOR = 2

/** Time for the last message to leave before the connection is cut, ms. */
const CLOSE_TIMEOUT = 1_000

/** Longest reason of a Disconnect, bytes; a String holds 255. */
const MAX_REASON = 200

/**
 * - `greeting`: the protocol byte is still to come
 * - `open`: messages flow
 * - `closing`: Disconnect is written, nothing is read any more
 */
type ConnectionState = 'greeting' | 'open' | 'closing' | 'closed'

/** Acts on one frame of a client. @throws RouterError, I2cpError when the client has to be disconnected */
export type FrameHandler = (connection: Connection, frame: Frame) => void

/** One client: frames in, messages out, and the sessions that it holds. */
export class Connection implements SessionClient {
  readonly context: RouterContext
  readonly sessions = new Map<number, RouterSession>()
  /** The first GetDate, with the right password where one is asked for, has come. */
  authenticated: boolean
  /** Look-ups that wait for their answer, with their timers. */
  readonly lookups = new Set<Timer>()
  readonly #stream: Duplex
  readonly #reader = new FrameReader()
  readonly #onFrame: FrameHandler
  readonly #onClosed: () => void
  #state: ConnectionState = 'greeting'
  #corked = false
  #timer: Timer

  constructor (context: RouterContext, stream: Duplex, onFrame: FrameHandler, onClosed: () => void) {
    this.context = context
    this.authenticated = context.options.auth === undefined
    this.#stream = stream
    this.#onFrame = onFrame
    this.#onClosed = onClosed
    this.#timer = context.clock.setTimer(() => this.#cut(), context.options.handshakeTimeout)
    stream.on('data', (chunk: Buffer) => this.#receive(chunk))
    stream.on('end', () => this.#cut())
    stream.on('error', (error: Error) => context.logger.debug({ code: (error as NodeJS.ErrnoException).code }, 'I2CP connection failed'))
    stream.on('close', () => this.#closed())
  }

  get open (): boolean {
    return this.#state === 'greeting' || this.#state === 'open'
  }

  send (message: Message): void {
    if (!this.open) return
    const { sendQueue } = this.context.options
    if (this.#stream.writableLength > CONTROL_QUEUE_FACTOR * sendQueue) return this.#cut()
    this.#write(encodeMessage(message))
  }

  /** @returns false if the client does not read and the payload was dropped */
  sendPayload (sessionId: number, messageId: number, payload: Buffer): boolean {
    if (!this.open) return false
    if (this.#stream.writableLength + payload.length > this.context.options.sendQueue) {
      this.context.stats.sendQueueDrops++
      return false
    }
    this.#write(encodeMessage({ type: TYPE.MessagePayload, sessionId, messageId, payload }))
    this.context.stats.messagesToClients++
    return true
  }

  closeSession (session: RouterSession): void {
    this.sessions.delete(session.id)
    this.context.sessions.close(session)
  }

  /** Says why and closes. */
  disconnect (reason: string): void {
    if (!this.open) return
    this.#write(encodeMessage({ type: TYPE.Disconnect, reason: reason.slice(0, MAX_REASON) }))
    this.end()
  }

  /** Closes after what is written. */
  end (): void {
    if (!this.open) return
    this.#state = 'closing'
    this.#release()
    this.#timer.clear()
    this.#timer = this.context.clock.setTimer(() => this.#cut(), CLOSE_TIMEOUT)
    this.#uncork()
    // What the client still sends is read and ignored: closing with unread bytes would reset the connection, and the
    // client would not see the reason.
    this.#stream.end()
  }

  #receive (chunk: Buffer): void {
    if (this.#state === 'greeting') chunk = this.#greet(chunk)
    if (this.#state !== 'open') return
    try {
      for (const frame of this.#reader.push(chunk)) {
        if (this.#state !== 'open') break
        this.#onFrame(this, frame)
      }
    } catch (error) {
      this.#fail(error)
    }
    this.context.pump()
  }

  #greet (chunk: Buffer): Buffer {
    if (chunk[0] !== PROTOCOL_BYTE) {
      this.context.stats.protocolErrors++
      this.#cut()
      return chunk
    }
    this.#timer.clear()
    this.#state = 'open'
    return chunk.subarray(1)
  }

  #fail (error: unknown): void {
    if (!(error instanceof I2cpError) && !(error instanceof RouterError)) throw error
    this.context.stats.protocolErrors++
    this.context.logger.debug({ code: error.code, reason: error.message }, 'I2CP client disconnected')
    this.disconnect(error.message)
  }

  #write (frame: Buffer): void {
    if (!this.#corked) {
      this.#corked = true
      this.#stream.cork()
      process.nextTick(() => this.#uncork())
    }
    this.#stream.write(frame)
    if (this.#stream.writableLength > WRITE_BATCH) this.#uncork()
  }

  #uncork (): void {
    if (!this.#corked) return
    this.#corked = false
    this.#stream.uncork()
  }

  #cut (): void {
    if (this.#state === 'closed') return
    this.#closed()
    this.#stream.destroy()
  }

  #closed (): void {
    if (this.#state === 'closed') return
    if (this.#state !== 'closing') this.#release()
    this.#state = 'closed'
    this.#timer.clear()
    this.#onClosed()
  }

  #release (): void {
    for (const session of [...this.sessions.values()]) this.closeSession(session)
    for (const timer of this.lookups) timer.clear()
    this.lookups.clear()
  }
}
