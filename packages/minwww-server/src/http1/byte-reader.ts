import type { Duplex } from 'node:stream'
import type { Clock } from '@minwww/ground'

const LF = 0x0a

/**
 * Pulls bytes off a stream: nothing is read that nobody has asked for, so what is pipelined waits on the stream. Every
 * wait has its own deadline and ends with the stream, whatever the stream emits or fails to emit.
 */
export class ByteReader {
  readonly #stream: Duplex
  readonly #clock: Clock
  #buffer: Buffer = Buffer.alloc(0)
  #ended = false
  #failure: Error | undefined
  /** The waits under way. More than one only where a body that nobody wants any more is read away. */
  readonly #waits = new Set<() => void>()
  readonly #onReadable = () => this.#wake()
  readonly #onEnd = () => {
    this.#ended = true
    this.#wake()
  }

  readonly #onClose = () => {
    this.#failure ??= this.#stream.errored ?? new CutError()
    this.#wake()
  }

  readonly #onError = (error: Error) => {
    this.#failure ??= error
    this.#wake()
  }

  constructor (stream: Duplex, clock: Clock) {
    this.#stream = stream
    this.#clock = clock
    stream.on('readable', this.#onReadable).on('end', this.#onEnd).on('close', this.#onClose).on('error', this.#onError)
    if (stream.readableEnded) this.#ended = true
    if (stream.destroyed) this.#onClose()
  }

  /** Nothing came that was not read. */
  get isEmpty (): boolean { return this.#buffer.length === 0 && this.#stream.readableLength === 0 }

  /** What is left, in ms, of a time that begins now: for a wait that several reads share. */
  deadline (ms: number): () => number {
    const end = this.#clock.now() + ms
    return () => Math.max(0, end - this.#clock.now())
  }

  /** False at the stream's end. @throws what the stream was destroyed with; SilenceError after `ms` */
  async fill (ms: number): Promise<boolean> {
    return this.#buffer.length > 0 || await this.#more(this.#clock.now() + ms)
  }

  /** At least one byte and at most `most`; undefined at the stream's end. */
  async take (most: number, ms: number): Promise<Buffer | undefined> {
    return await this.fill(ms) ? this.#cut(Math.min(most, this.#buffer.length)) : undefined
  }

  /**
   * The next line with its LF, all of it within `ms`; undefined at the stream's end. A line that is cut by the end, or
   * longer than `limit`, is MalformedError.
   */
  async line (limit: number, ms: number): Promise<Buffer | undefined> {
    const end = this.#clock.now() + ms
    for (let from = 0; ;) {
      const at = this.#buffer.indexOf(LF, from)
      if ((at === -1 ? this.#buffer.length : at + 1) > limit) throw new MalformedError('a line is too long')
      if (at !== -1) return this.#cut(at + 1)
      from = this.#buffer.length
      if (await this.#more(end)) continue
      if (this.#buffer.length === 0) return undefined
      throw new MalformedError('the connection ended inside a line')
    }
  }

  /** Gives the stream back, with what was read ahead. */
  release (): void {
    const stream = this.#stream
    stream.off('readable', this.#onReadable).off('end', this.#onEnd).off('close', this.#onClose).off('error', this.#onError)
    if (this.#buffer.length > 0 && !stream.destroyed) stream.unshift(this.#buffer)
    this.#buffer = Buffer.alloc(0)
  }

  /** What came before the stream broke is read first. */
  async #more (end: number): Promise<boolean> {
    for (;;) {
      const chunk = this.#stream.read() as Buffer | null
      if (chunk !== null) {
        this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk])
        return true
      }
      if (this.#ended) return false
      if (this.#failure !== undefined) throw this.#failure
      const left = end - this.#clock.now()
      if (left <= 0) throw new SilenceError()
      await this.#wait(left)
    }
  }

  async #wait (ms: number): Promise<void> {
    await new Promise<void>(resolve => {
      const wake = () => {
        timer.clear()
        this.#waits.delete(wake)
        resolve()
      }
      const timer = this.#clock.setTimer(wake, ms)
      this.#waits.add(wake)
    })
  }

  #wake (): void {
    for (const wake of [...this.#waits]) wake()
  }

  #cut (length: number): Buffer {
    const head = this.#buffer.subarray(0, length)
    this.#buffer = this.#buffer.subarray(length)
    return head
  }
}

/** The other end said nothing for too long. */
export class SilenceError extends Error {
  override readonly name = 'TimeoutError'
  constructor () { super('nothing came in time') }
}

/** The connection is gone without a word. */
export class CutError extends Error {
  readonly code = 'ECONNRESET'
  constructor () { super('the connection has ended') }
}

/** What came is no HTTP/1.1. */
export class MalformedError extends Error {
  readonly code = 'HPE_INVALID'
}
