import http, { type Server } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Destination } from '@minwww/i2cp/codec'
import { EXIT_PORT } from '@minwww/protocol'
import { ServerError } from '../errors.ts'
import type { Timer } from '../exit/clock.ts'
import type { StreamContext } from './context.ts'
import { errorAnswer, responseBytes } from './error-answer.ts'
import type { IncomingStream, StreamLimits, StreamListener, StreamSource } from './options.ts'
import { answerRequest } from './requests.ts'
import { openTunnel, upgrade } from './tunnels.ts'

/** ms until the first request of a stream is complete, and that an idle stream is kept for the next one. */
const FIRST_REQUEST = 15_000
const NEXT_REQUEST = 60_000
/** Requests that a stream may pipeline. */
const MAX_PIPELINED = 8

interface OpenStream {
  visitor: Destination
  stream: IncomingStream
  requests: number
  timer: Timer | undefined
}

/** An HTTP proxy on port 80 of the exit's streams: any method, CONNECT, Upgrade, origin-form for own sites. */
export class StreamProxy {
  readonly #context: StreamContext
  #limits: StreamLimits
  readonly #listener: StreamListener
  readonly #http: Server
  /** Bounded by maxStreams. */
  readonly #open = new Map<Duplex, OpenStream>()
  #refused = 0

  constructor (context: StreamContext, source: StreamSource, limits: StreamLimits) {
    this.#context = context
    this.#limits = limits
    // Never listens: it is given the streams. Its own timers would need a listening socket, so the ones here count.
    this.#http = http.createServer({ maxHeaderSize: limits.maxHead, requireHostHeader: true, insecureHTTPParser: false, joinDuplicateHeaders: false })
    this.#http.timeout = 0
    this.#http.keepAliveTimeout = 0
    this.#attachHandlers()
    this.#listener = source.createServer(stream => this.#accept(stream))
    this.#listener.listen(EXIT_PORT)
  }

  get size (): number { return this.#open.size }
  get maxStreams (): number { return this.#limits.maxStreams }
  get refused (): number { return this.#refused }
  /** Requests and tunnels under way. */
  get active (): number { return [...this.#open.values()].reduce((sum, open) => sum + open.requests, 0) }

  /** Other limits for the streams to come. */
  setLimits (limits: StreamLimits): void {
    this.#limits = limits
  }

  /**
   * No new streams; idle ones are ended, the others after their answers. Resolves when all are closed: the clients have
   * everything then, which they do not when it is only written.
   */
  async drain (): Promise<void> {
    this.#listener.close()
    const closed = [...this.#open.values()].map(async ({ stream, requests }) => {
      if (requests === 0) stream.end()
      if (!stream.closed) await new Promise<void>(resolve => stream.once('close', resolve))
    })
    await Promise.all(closed)
  }

  close (): void {
    this.#listener.close()
    for (const stream of this.#open.keys()) stream.destroy()
  }

  #accept (stream: IncomingStream): void {
    stream.on('error', () => {})
    const visitor = stream.remoteDestination
    if (visitor === undefined || !this.#mayOpen(visitor)) {
      this.#refused++
      stream.destroy()
      return
    }
    const open: OpenStream = { visitor, stream, requests: 0, timer: undefined }
    this.#open.set(stream, open)
    stream.once('close', () => {
      open.timer?.clear()
      this.#open.delete(stream)
    })
    stream.setTimeout?.(this.#limits.idle, () => stream.destroy())
    this.#await(open, FIRST_REQUEST)
    this.#http.emit('connection', stream)
  }

  #mayOpen (visitor: Destination): boolean {
    if (this.#open.size >= this.#limits.maxStreams || this.#context.isDraining()) return false
    let own = 0
    for (const open of this.#open.values()) {
      if (open.visitor.b32 === visitor.b32) own++
    }
    return own < this.#limits.maxStreamsPerClient
  }

  #attachHandlers (): void {
    this.#http.on('request', (incoming, outgoing) => {
      this.#during(incoming.socket, async open => await answerRequest(this.#context, open.visitor, incoming, outgoing, this.#limits.maxFields))
    })
    this.#http.on('connect', (incoming, stream, head) => {
      this.#during(stream, async open => await openTunnel(this.#context, open.visitor, incoming, stream, head, inner => this.#http.emit('connection', inner)))
    })
    this.#http.on('upgrade', (incoming, stream, head) => {
      this.#during(stream, async open => await upgrade(this.#context, open.visitor, incoming, stream, head, this.#limits.maxFields))
    })
    this.#http.on('clientError', (_error, stream) => {
      if (stream.writable) stream.end(responseBytes(errorAnswer(new ServerError('MINWWW_EXIT_BAD_REQUEST', 'the request is not well-formed HTTP'))))
      else stream.destroy()
    })
  }

  #during (stream: Duplex, work: (open: OpenStream) => Promise<void>): void {
    const open = this.#open.get(stream)
    if (open === undefined || open.requests >= MAX_PIPELINED) {
      stream.destroy()
      return
    }
    open.timer?.clear()
    open.requests++
    work(open).catch((error: unknown) => {
      this.#context.logger.error({ code: (error as { code?: string }).code ?? 'UNKNOWN' }, 'a stream failed')
      stream.destroy()
    }).finally(() => {
      open.requests--
      if (open.requests > 0) return
      if (this.#context.isDraining()) stream.end()
      else this.#await(open, NEXT_REQUEST)
    }).catch(() => {})
  }

  #await (open: OpenStream, milliseconds: number): void {
    open.timer?.clear()
    if (open.stream.destroyed) return
    open.timer = this.#context.clock.setTimer(() => open.stream.destroy(), milliseconds)
  }
}
