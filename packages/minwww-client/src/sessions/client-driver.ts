import { randomBytes } from 'node:crypto'
import type { Clock, Logger } from '@minwww/ground'
import { DriveLoop, systemClock } from '@minwww/ground/node'
import type { Destination, LocalDestination, ReceivedMessage } from '@minwww/i2cp'
import { ClientCore } from '../core.ts'
import type { ClientConfig, ClientEvent, ExitStatus, Outgoing, RequestOptions, RestName } from '../core.ts'
import type { ProxySession } from './proxy-session.ts'
import { summarize } from './wire-log.ts'

export type ResponseEvent = Extract<ClientEvent, { type: 'response' }>
export type PartEvent = Extract<ClientEvent, { type: 'part' }>
export type FailedEvent = Extract<ClientEvent, { type: 'failed' }>

/** A request that the core gave up; `event.code` says why. */
export class FetchError extends Error {
  override readonly name = 'FetchError'
  readonly event: FailedEvent

  constructor (event: FailedEvent) {
    super(`${event.code}: ${event.detail}`)
    this.event = event
  }
}

/** What the driver needs of a core: the real ClientCore, or a stand-in of a test. */
export type DrivenCore =
  Pick<ClientCore, 'addExit' | 'removeExit' | 'exits' | 'request' | 'cancel' | 'nextTimeout' | 'handleTimeout' | 'pollTransmit' |
  'pollEvent' | 'suspend' | 'resume'> &
  Partial<Pick<ClientCore, 'suspectExit' | 'streamCarried' | 'streamHeard' | 'changed' | 'takesOnce' | 'gate' | 'restore' | 'load' |
  'config' | 'stats' | 'takeUnheard'>> & {
    receive (...message: Parameters<ClientCore['receive']>): unknown
    toJSON? (): unknown
  }

/** What the driver needs of a session. */
export type DrivenSession = Pick<ProxySession, 'destination' | 'keys' | 'state' | 'clockOffset' | 'send' | 'on' | 'off'>

export interface DriverOptions {
  /** One or two own Destinations; the second one is for retries where there is only one exit. */
  sessions: readonly DrivenSession[]
  config?: Partial<ClientConfig>
  logger?: Logger
  /** Replaces the core, for tests. */
  createCore?: (keys: LocalDestination[], clockOffset: () => number) => DrivenCore
  clock?: Clock
}

export interface FetchOptions extends RequestOptions {
  /** Aborts with the signal's reason; the exit is told with CANCEL. */
  signal?: AbortSignal
  /** The first symbol of a beginning came, perhaps of more than one exit: a stream brings the rest. */
  onBeginning?: (name: RestName) => void
  /** The next bytes of the coded object came, before all of it is here; with it parts of an answer are handed on. */
  onPart?: (part: PartEvent) => void
}

interface Waiting {
  begins: (name: RestName) => void
  part: (part: PartEvent) => void
  resolve: (event: ResponseEvent) => void
  reject: (error: Error) => void
  release: () => void
}

/** Messages given to the sessions in one go, so that a burst cannot keep the event loop from everything else. */
const MAX_BURST = 256
/** Protocol number of streams, which share the session: not ours to tell of. */
const STREAMING = 6

/** The thin shell around a ClientCore: hands messages between it and the sessions. */
export class ClientDriver {
  readonly core: DrivenCore
  readonly #sessions: DrivenSession[]
  readonly #logger: Logger | undefined
  readonly #clock: Clock
  readonly #waiting = new Map<number, Waiting>() // bounded by the core's maxRequests
  /** Takes our listeners off each session. */
  readonly #releases: Array<() => void> = []
  readonly #loop: DriveLoop
  #closed = false
  /** Called for what an exit has sent by message; strangers may send what they want. */
  onHeard: ((source: number) => void) | undefined
  /** Called when something was asked for in vain from an own Destination, and nothing has come to it meanwhile. */
  onUnheard: ((source: number) => void) | undefined
  /** Called for every change of an exit's state. */
  onExitState: ((exit: string, state: string) => void) | undefined
  /** Called when a request fails since no exit says anything: that may be after the last change of a state. */
  onSilent: (() => void) | undefined

  constructor (options: DriverOptions) {
    this.#sessions = [...options.sessions]
    this.#logger = options.logger
    this.#clock = options.clock ?? systemClock
    const clockOffset = (): number => this.#sessions[0]?.clockOffset ?? 0
    const keys = this.#sessions.map(session => session.keys)
    this.core = options.createCore?.(keys, clockOffset) ??
      new ClientCore({ keys, random: randomBytes, clockOffset, ...(options.config === undefined ? {} : { config: options.config }) })
    const core = this.core
    this.#loop = new DriveLoop(this.#clock, {
      work: () => this.#work(),
      nextTimeout: () => core.nextTimeout(),
      expire: now => core.handleTimeout(now)
    })
    this.#sessions.forEach((session, source) => {
      this.#listen(source)
      if (session.state !== 'ready') this.core.suspend(this.#clock.now(), source)
    })
  }

  /** Goes on with another session in the place of one; requests in flight start anew when it is ready. */
  replaceSession (source: number, session: DrivenSession): void {
    if (this.#closed) return
    this.#releases[source]?.()
    this.#sessions[source] = session
    this.#listen(source)
    this.core.suspend(this.#clock.now(), source)
    this.#follow(source)
  }

  /** False while a router connection or the first LeaseSet is missing: messages would be dropped. */
  get ready (): boolean {
    return !this.#closed && this.#sessions.some(session => session.state === 'ready')
  }

  get state (): ProxySession['state'] {
    return this.ready ? 'ready' : this.#sessions[0]?.state ?? 'closed'
  }

  get inFlight (): number { return this.#waiting.size }

  addExit (id: string, destination: Destination): void {
    this.core.addExit(this.#clock.now(), { id, destination })
    this.#loop.run()
  }

  suspectExit (id: string): void {
    this.core.suspectExit?.(this.#clock.now(), id)
    this.#loop.run()
  }

  /** A stream from this exit has carried so much, bytes/s. */
  streamCarried (id: string, rate: number): void {
    this.core.streamCarried?.(this.#clock.now(), id, rate)
    this.#loop.run()
  }

  /** A stream from an exit brings something. */
  streamHeard (id: string): void {
    this.core.streamHeard?.(this.#clock.now(), id)
  }

  /** Something was changed at a site, `host` with its port. */
  changed (host: string): void {
    this.core.changed?.(this.#clock.now(), host)
    this.#loop.run()
  }

  /** Whether a site can be asked by message for what is carried out at most once; else it is asked what that needs. */
  takesOnce (destination: Destination): boolean {
    const takes = this.core.takesOnce?.(this.#clock.now(), destination) ?? false
    this.#loop.run()
    return takes
  }

  removeExit (id: string): void {
    this.core.removeExit(this.#clock.now(), id)
    this.#loop.run()
  }

  /** What is known of the exits, for `remember` after a restart; no keys. */
  get remembered (): unknown { return this.core.toJSON?.() }

  /** Takes up what was known of exits, of those here and of those that come. Broken state is ignored. */
  remember (state: unknown): void { this.core.restore?.(state) }

  exits (): ExitStatus[] { return this.core.exits(this.#clock.now()) }

  /**
   * Sends a request and resolves with the complete response, or with its beginning where it has a `rest`.
   * @throws FetchError when the core gives up; the signal's reason when it is aborted
   */
  async fetch (options: FetchOptions): Promise<ResponseEvent> {
    const { signal, onBeginning = () => {}, onPart, ...asked } = options
    const request = onPart === undefined ? asked : { ...asked, mayArrive: true }
    signal?.throwIfAborted()
    if (this.#closed) throw new Error('the driver is closed')
    return await new Promise((resolve, reject) => {
      const handle = this.core.request(this.#clock.now(), request)
      const abort = (): void => {
        this.#waiting.delete(handle)
        this.core.cancel(this.#clock.now(), handle)
        const reason: unknown = signal?.reason
        reject(reason instanceof Error ? reason : new Error('aborted', { cause: reason }))
        this.#loop.run()
      }
      signal?.addEventListener('abort', abort, { once: true })
      this.#waiting.set(handle, {
        begins: onBeginning,
        part: onPart ?? (() => {}),
        resolve,
        reject,
        release: () => signal?.removeEventListener('abort', abort)
      })
      this.#loop.run()
    })
  }

  /** Fails what is in flight and lets go of the sessions, which stay open. */
  close (): void {
    if (this.#closed) return
    this.#closed = true
    this.#loop.close()
    for (const release of this.#releases) release()
    for (const waiting of this.#waiting.values()) {
      waiting.release()
      waiting.reject(new Error('the driver is closed'))
    }
    this.#waiting.clear()
  }

  #listen (source: number): void {
    const session = this.#sessions[source]!
    const onMessage = (message: ReceivedMessage): void => this.#receive(source, message)
    const onState = (): void => this.#follow(source)
    session.on('message', onMessage)
    session.on('state', onState)
    this.#releases[source] = () => {
      session.off('message', onMessage)
      session.off('state', onState)
    }
  }

  /** Without a ready session the core waits, rather than use up its attempts on messages that are dropped. */
  #follow (source: number): void {
    const { state, keys } = this.#sessions[source]!
    if (state === 'ready') this.core.resume(this.#clock.now(), source, keys)
    else this.core.suspend(this.#clock.now(), source)
    this.#loop.run()
  }

  #receive (source: number, message: ReceivedMessage): void {
    this.#log('in', source, message.protocol, message.payload)
    const isGenuine = this.core.receive(this.#clock.now(), source, message) !== false && message.protocol !== STREAMING
    this.#loop.run()
    if (isGenuine) this.onHeard?.(source)
  }

  #work (): boolean {
    const isMore = this.#transmit()
    for (let event = this.core.pollEvent(); event !== undefined; event = this.core.pollEvent()) this.#settle(event)
    for (let source = this.core.takeUnheard?.(); source !== undefined; source = this.core.takeUnheard?.()) this.onUnheard?.(source)
    return isMore
  }

  /** True if there may be more. */
  #transmit (): boolean {
    for (let count = 0; count < MAX_BURST; count++) {
      const out = this.core.pollTransmit(this.#clock.now())
      if (out === undefined) return false
      this.#send(out)
    }
    return true
  }

  #send (out: Outgoing): void {
    this.#log('out', out.source, out.protocol, out.payload)
    const { protocol, fromPort, toPort, expires } = out
    try {
      this.#sessions[out.source]?.send(out.to, out.payload, { protocol, fromPort, toPort, expires })
    } catch (error) {
      // A datagram that could not be sent is a datagram lost: the core's timers take care of it.
      this.#logger?.debug({ err: error }, 'message not sent')
    }
  }

  #settle (event: ClientEvent): void {
    if (event.type === 'exit-state') {
      this.#logger?.debug({ exit: event.exit, state: event.state }, 'exit state')
      this.onExitState?.(event.exit, event.state)
      return
    }
    if (event.type === 'failed' && event.code === 'silent') this.onSilent?.()
    const waiting = this.#waiting.get(event.handle)
    if (waiting === undefined) return
    if (event.type === 'begins') return waiting.begins(event.rest)
    if (event.type === 'part') return waiting.part(event)
    this.#waiting.delete(event.handle)
    waiting.release()
    if (event.type === 'response') waiting.resolve(event)
    else waiting.reject(new FetchError(event))
  }

  #log (direction: 'out' | 'in', source: number, protocol: number, payload: Buffer): void {
    if (protocol === STREAMING || this.#logger === undefined || !isDebug(this.#logger)) return
    this.#logger.debug({ ...summarize(direction, protocol, payload), source }, `minwww message ${direction}`)
  }
}

/** pino says so; other loggers get every line and choose themselves. */
const isDebug = (logger: Logger): boolean =>
  (logger as { isLevelEnabled?: (level: string) => boolean }).isLevelEnabled?.('debug') ?? true
