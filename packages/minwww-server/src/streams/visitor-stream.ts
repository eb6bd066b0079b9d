import type { Destination } from '@minwww/i2cp/codec'
import { parsePath, PATH_FIELD } from '@minwww/protocol'
import { ServerError } from '../errors.ts'
import { valuesOf } from '../fetch/fields.ts'
import { isExpected } from '../fetch/failures.ts'
import { ByteReader, MalformedError, SilenceError } from '../http1/byte-reader.ts'
import { readRequest, type IncomingRequest } from '../http1/request.ts'
import { reportFault, type StreamContext } from './context.ts'
import { answerDescriptor, asksForDescriptor } from './descriptor.ts'
import { errorAnswer, responseBytes } from './error-answer.ts'
import type { IncomingStream, StreamLimits } from './options.ts'
import { RequestBody } from './request-body.ts'
import { answerNextRest, answerRequest, answerRest, gone, isForNextRest, restNameOf } from './requests.ts'
import { isWebSocket, openTunnel, openWebSocket, type StreamFate } from './tunnels.ts'

/** ms that what a client still sends is read away after the last answer, so that no reset overtakes it (RFC 9112 section 9.6). */
const LINGER = 30_000
/** Tunnel messages of a packet. */
const PACKET = 2

/**
 * A client's stream: one request is read, answered, and only then the next one is looked at. So nothing that is pipelined
 * can overtake, an interim answer stands where it belongs, and a tunnel begins behind all answers before it.
 */
export class VisitorStream {
  readonly visitor: Destination
  readonly stream: IncomingStream
  readonly #context: StreamContext
  readonly #limits: StreamLimits
  readonly #reader: ByteReader
  readonly #abort = new AbortController()
  #isBusy = false

  constructor (context: StreamContext, visitor: Destination, stream: IncomingStream, limits: StreamLimits) {
    this.#context = context
    this.visitor = visitor
    this.stream = stream
    this.#limits = limits
    // A client that has said all it wants to say still wants its answer.
    stream.allowHalfOpen = true
    stream.on('error', () => {})
    stream.once('close', () => this.#abort.abort(gone()))
    this.#reader = new ByteReader(stream, context.clock)
  }

  /** A request or tunnel is under way. */
  get isBusy (): boolean { return this.#isBusy }

  /** Reads and answers until the stream's end. The one boundary for what goes wrong on it; never rejects. */
  async serve (): Promise<void> {
    const { stream } = this
    try {
      let fate: StreamFate = 'next'
      for (let isFirst = true; fate === 'next'; isFirst = false) fate = await this.#next(isFirst)
      if (fate === 'end') await this.#end()
    } catch (cause) {
      if (!isExpected(cause)) reportFault(this.#context, cause)
    } finally {
      this.#isBusy = false
      this.#reader.release()
      stream.destroy()
    }
  }

  async #next (isFirst: boolean): Promise<StreamFate> {
    const incoming = await this.#read(isFirst)
    if (incoming === undefined) return 'end'
    this.#isBusy = true
    if (isFirst) this.#inform(incoming)
    try {
      return await this.#answer(incoming)
    } finally {
      this.#isBusy = false
    }
  }

  /** The next request; undefined if there is none, or if what there is was refused. */
  async #read (isFirst: boolean): Promise<IncomingRequest | undefined> {
    const { request, idle } = this.#context.timeouts
    try {
      if (!await this.#reader.fill(isFirst ? request : idle)) return undefined
      return await readRequest(this.#reader, { maxBytes: this.#limits.maxHead, maxFields: this.#limits.maxFields }, request)
    } catch (cause) {
      if (cause instanceof SilenceError) return undefined
      if (!(cause instanceof MalformedError)) throw cause
      const error = new ServerError('MINWWW_EXIT_BAD_REQUEST', `the request is not well-formed HTTP: ${cause.message}`, { cause })
      this.stream.write(responseBytes(errorAnswer(error)))
      return undefined
    }
  }

  /** A client that has spoken by messages has told how the way to it is; its answers begin with that. */
  #inform ({ fields }: IncomingRequest): void {
    const told = parsePath(valuesOf(fields, PATH_FIELD.toLowerCase())[0])
    if (told !== undefined) this.stream.inform?.({ ...told, loss: 1 - (1 - told.loss) ** PACKET })
  }

  async #answer (incoming: IncomingRequest): Promise<StreamFate> {
    const { stream, visitor } = this
    const reader = this.#reader
    const context = this.#context
    const body = new RequestBody(reader, incoming.framing, context.timeouts.upload)
    const asked = { context, visitor, incoming, body, stream, reader, signal: this.#abort.signal }
    const rest = restNameOf(incoming)
    if (rest !== undefined) return await answerRest(asked, rest) ? 'next' : 'end'
    if (isForNextRest(incoming)) {
      // As good as idle: it gives way to others.
      this.#isBusy = false
      return await answerNextRest(asked, () => { this.#isBusy = true }) ? 'next' : 'end'
    }
    if (asksForDescriptor(incoming, context.own)) return await answerDescriptor(asked) ? 'next' : 'end'
    if (incoming.method === 'CONNECT') return await openTunnel(asked)
    if (isWebSocket(incoming)) return await openWebSocket(asked)
    return await answerRequest(asked) ? 'next' : 'end'
  }

  /** Says that nothing more comes, and reads away what does. */
  async #end (): Promise<void> {
    const { stream } = this
    if (stream.destroyed) return
    stream.end()
    const left = this.#reader.deadline(LINGER)
    try {
      for (;;) {
        const piece = await this.#reader.take(Infinity, left())
        if (piece === undefined) break
        this.#context.bandwidth.countUpload(piece.length)
      }
      if (!stream.writableFinished) await new Promise<void>(resolve => stream.once('finish', resolve).once('close', resolve))
    } catch (cause) {
      if (!isExpected(cause)) throw cause
    }
  }
}
