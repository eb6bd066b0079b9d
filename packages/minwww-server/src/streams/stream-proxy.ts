import type { Destination } from '@minwww/i2cp/codec'
import { EXIT_PORT } from '@minwww/protocol'
import type { StreamContext } from './context.ts'
import type { IncomingStream, StreamLimits, StreamListener, StreamSource } from './options.ts'
import { VisitorStream } from './visitor-stream.ts'

/** An HTTP proxy on port 80 of the exit's streams: any method, CONNECT, WebSockets, origin-form for own sites. */
export class StreamProxy {
  readonly #context: StreamContext
  #limits: StreamLimits
  readonly #listener: StreamListener
  /** Bounded by maxStreams. */
  readonly #open = new Set<VisitorStream>()
  #refused = 0

  constructor (context: StreamContext, source: StreamSource, limits: StreamLimits, port = EXIT_PORT) {
    this.#context = context
    this.#limits = limits
    this.#listener = source.createServer(stream => this.#accept(stream))
    this.#listener.listen(port)
  }

  get size (): number { return this.#open.size }
  get maxStreams (): number { return this.#limits.maxStreams }
  get refused (): number { return this.#refused }
  /** Requests and tunnels under way. */
  get active (): number { return [...this.#open].filter(open => open.isBusy).length }

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
    const closed = [...this.#open].map(async ({ stream, isBusy }) => {
      if (!isBusy) stream.end()
      if (!stream.closed) await new Promise<void>(resolve => stream.once('close', resolve))
    })
    await Promise.all(closed)
  }

  close (): void {
    this.#listener.close()
    for (const { stream } of this.#open) stream.destroy()
  }

  #accept (stream: IncomingStream): void {
    const visitor = stream.remoteDestination
    if (visitor === undefined || !this.#mayOpen(visitor)) {
      this.#refused++
      stream.on('error', () => {}).destroy()
      return
    }
    const open = new VisitorStream(this.#context, visitor, stream, this.#limits)
    this.#open.add(open)
    stream.once('close', () => this.#open.delete(open))
    // It never rejects.
    open.serve().catch(() => {})
  }

  /** When all streams are in use, a client that has few takes an idle one of the client that has the most. */
  #mayOpen (visitor: Destination): boolean {
    if (this.#context.isDraining() && this.#context.rests.size === 0) return false
    const own = this.#of(visitor.b32).length
    if (own >= this.#limits.maxStreamsPerClient) return false
    if (this.#open.size < this.#limits.maxStreams) return true
    const most = this.#longest()
    const idle = most.find(open => !open.isBusy)
    if (idle === undefined || most.length <= own + 1) return false
    this.#open.delete(idle)
    idle.stream.destroy()
    return true
  }

  #of (b32: string): VisitorStream[] {
    return [...this.#open].filter(open => open.visitor.b32 === b32)
  }

  #longest (): VisitorStream[] {
    const visitors = new Set([...this.#open].map(open => open.visitor.b32))
    return [...visitors].map(b32 => this.#of(b32)).reduce((most, own) => own.length > most.length ? own : most, [])
  }
}
