import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { ServerError } from '../errors.ts'
import type { Clock, Timer } from '@minwww/ground'
import { chunk, lastChunk, readBody } from '../http1/body.ts'
import { ByteReader } from '../http1/byte-reader.ts'
import { readResponse, type InterimResponse } from '../http1/response.ts'
import { requestHead, write } from '../http1/write.ts'
import { toServerError } from './failures.ts'
import type { Field, HttpRequest } from './http-types.ts'
import { readReplyHead, type ReplyHead } from './reply-head.ts'

/** Bytes and fields of a response's header section, each interim answer's too. */
export const RESPONSE_LIMITS = { maxBytes: 65_536, maxFields: 256 }
/** ms that a body waits for 100 (Continue) before it is sent without. */
const CONTINUE_WAIT = 1_000
/** A site that has refused a request reads no more of its body. */
const REFUSAL = 400

export interface AnswerTimeouts {
  /** ms from a request's last byte, or the last interim answer, to the end of the response's header section. */
  headers: number
  /** ms between two pieces of a body that somebody waits for, and until the site takes a piece of a request's. */
  body: number
}

/** A request as it goes up. */
export interface Ask extends Pick<HttpRequest, 'method' | 'body' | 'expectsContinue'> {
  path: string
  headers: Field[]
  onInterim: (response: InterimResponse) => void
}

/** One connection to a site; one request at a time. */
export class SiteConnection {
  /** What may be asked on it: one visitor's requests to one origin. */
  readonly key: string
  readonly socket: Socket
  readonly #reader: ByteReader
  readonly #clock: Clock
  readonly #timeouts: AnswerTimeouts
  #upload: Upload | undefined
  #tainted = false

  constructor (key: string, socket: Socket, clock: Clock, timeouts: AnswerTimeouts) {
    this.key = key
    this.socket = socket
    this.#clock = clock
    this.#timeouts = timeouts
    this.#reader = new ByteReader(socket, clock)
  }

  /** Resolves with the head of the final answer. @throws ServerError, or what cut the connection (see isCut) */
  async ask (ask: Ask): Promise<ReplyHead> {
    // An HTTPD that does not read a body takes it for the next request, so there is none.
    if (ask.body !== undefined) this.#tainted = true
    const silence = new Silence(this.#clock, this.#timeouts.headers, () => {
      this.socket.destroy(new ServerError('MINWWW_EXIT_TIMEOUT', 'the site did not answer in time'))
    })
    const upload = new Upload(this.socket, this.#clock, this.#timeouts.body, ask)
    this.#upload = upload
    upload.run().then(() => silence.begin(), (error: unknown) => {
      // A site may end its side when it has refused: its answer comes first.
      if (error instanceof ServerError) this.socket.destroy(error)
      else silence.begin()
    })
    try {
      const head = await readResponse(this.#reader, ask.method, RESPONSE_LIMITS, () => Infinity, response => {
        silence.again()
        upload.go()
        ask.onInterim(response)
      })
      if (head.status >= REFUSAL) upload.stop()
      return readReplyHead(head)
    } catch (error) {
      this.close()
      throw error
    } finally {
      silence.end()
    }
  }

  /** The body of the answer that `ask` gave; `onEnd` is called once, whether it was read to its end or not. */
  body (head: ReplyHead, onEnd: (isReusable: boolean) => void): Readable {
    const pieces = readBody(this.#reader, head.framing, this.#timeouts.body)
    const body = new BodyStream(pieces, isWhole => {
      onEnd(isWhole && head.keepAlive && !this.#tainted && this.#reader.isEmpty && !this.socket.destroyed)
    })
    if (head.framing.kind === 'none') body.finish()
    return body
  }

  /** Gives the socket away after 101, with what came behind the head. */
  detach (): Socket {
    this.#reader.release()
    return this.socket
  }

  close (): void {
    this.#upload?.stop()
    this.socket.destroy()
  }
}

/** The deadline for a head; it begins when the request is up, and again with every interim answer. */
class Silence {
  readonly #clock: Clock
  readonly #ms: number
  readonly #onSilence: () => void
  #timer: Timer | undefined
  #ended = false

  constructor (clock: Clock, ms: number, onSilence: () => void) {
    this.#clock = clock
    this.#ms = ms
    this.#onSilence = onSilence
  }

  begin (): void {
    this.#timer?.clear()
    if (!this.#ended) this.#timer = this.#clock.setTimer(this.#onSilence, this.#ms)
  }

  again (): void {
    if (this.#timer !== undefined) this.begin()
  }

  end (): void {
    this.#ended = true
    this.#timer?.clear()
  }
}

/** Sends one request: its head, and its body piece by piece beside the answer, which may come first. */
class Upload {
  readonly #socket: Socket
  readonly #clock: Clock
  readonly #ms: number
  readonly #ask: Ask
  #stopped = false
  #go: (() => void) | undefined

  constructor (socket: Socket, clock: Clock, ms: number, ask: Ask) {
    this.#socket = socket
    this.#clock = clock
    this.#ms = ms
    this.#ask = ask
  }

  /** Nothing more of the body. */
  stop (): void {
    this.#stopped = true
    this.#go?.()
  }

  /** The site wants the body. */
  go (): void {
    this.#go?.()
  }

  /** @throws ServerError of the body's source, or what the socket fails with */
  async run (): Promise<void> {
    const { method, path, headers, body, expectsContinue } = this.#ask
    const whole = body instanceof Uint8Array ? body : undefined
    const head = requestHead(method, path, headers)
    await this.#write(whole === undefined ? head : Buffer.concat([head, whole]))
    if (body === undefined || whole !== undefined) return
    if (expectsContinue === true) await this.#continue()
    const isChunked = !headers.some(([name]) => name.toLowerCase() === 'content-length')
    if (this.#stopped) return
    for await (const piece of body as AsyncIterable<Buffer>) {
      // What the site has said by now is read first: a write to a connection that it has reset would throw it away.
      await setImmediate()
      if (this.#stopped) return
      await this.#write(isChunked ? chunk(piece) : piece)
    }
    if (isChunked) await this.#write(lastChunk())
  }

  async #write (bytes: Uint8Array): Promise<void> {
    await write(this.#socket, bytes, this.#clock, this.#ms)
  }

  async #continue (): Promise<void> {
    await new Promise<void>(resolve => {
      const timer = this.#clock.setTimer(() => {
        this.#ask.onInterim({ status: 100, reason: 'Continue', headers: [] })
        this.#go?.()
      }, CONTINUE_WAIT)
      const settle = () => {
        timer.clear()
        this.#socket.off('close', settle)
        this.#go = undefined
        resolve()
      }
      this.#socket.once('close', settle)
      this.#go = settle
    })
  }
}

/** A body as a stream that fails with ServerError only, and reads no more than it was asked for. */
class BodyStream extends Readable {
  readonly #pieces: AsyncGenerator<Buffer, void, undefined>
  readonly #onEnd: (isWhole: boolean) => void
  #isOver = false

  constructor (pieces: AsyncGenerator<Buffer, void, undefined>, onEnd: (isWhole: boolean) => void) {
    super()
    this.#pieces = pieces
    this.#onEnd = onEnd
    // A body that nobody reads any more still says why it ended; that must not end the process.
    this.on('error', () => {})
  }

  /** There is nothing to read. */
  finish (): void {
    this.#over(true)
    this.push(null)
  }

  override _read (): void {
    if (this.#isOver) return
    this.#pieces.next().then(next => {
      if (next.done !== true) return this.push(next.value)
      this.finish()
    }, (error: unknown) => this.destroy(toServerError(error, 'body')))
  }

  override _destroy (error: Error | null, done: (error?: Error | null) => void): void {
    this.#over(false)
    done(error)
  }

  #over (isWhole: boolean): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#onEnd(isWhole)
  }
}
