import type { Duplex } from 'node:stream'
import type { Destination, Logger } from '@minwww/i2cp'
import type { ExitStatus } from '../core.ts'
import { ProxyError } from '../http/failures.ts'
import { StreamFailure, type Limits } from '../route/stream-path.ts'
import { StreamAgent, type StreamConnector, type StreamPeer } from '../route/streams.ts'
import type { Pinger } from './deaf-watch.ts'
import type { UsersOptions } from './options.ts'
import type { ProxySession } from './proxy-session.ts'
import { SiteWays } from './site-ways.ts'

/** Streams of a session. */
type OpenStreams = (session: ProxySession) => StreamConnector & Pinger

export interface SessionStreamsHooks {
  /** What is there now; it changes. */
  sessions: readonly ProxySession[]
  streams: UsersOptions['streams'] | undefined
  renew: UsersOptions['renew'] | undefined
  exits: () => readonly ExitStatus[]
  /** Somebody whom we have asked was heard over it. */
  isHeard: (session: ProxySession) => boolean
  carried: (peer: StreamPeer, rate: number) => void
  logger: Logger | undefined
}

/** Which session each stream goes over, and the streams that are kept for the next request. */
export class SessionStreams {
  readonly #hooks: SessionStreamsHooks
  readonly #ways: SiteWays
  /** One per session, however often streams change over to it. */
  readonly #connectors = new WeakMap<ProxySession, StreamConnector & Pinger>()
  /** Which session each open stream goes over. */
  readonly #open = new Map<Duplex, ProxySession>() // bounded by the sessions
  #agent: StreamAgent | undefined
  /** The session that streams go over. */
  #usual: ProxySession | undefined

  constructor (hooks: SessionStreamsHooks) {
    this.#hooks = hooks
    const { sessions, renew, logger } = hooks
    this.choose()
    this.#ways = new SiteWays({
      sessions: () => [this.#usual!, ...sessions.filter(session => session !== this.#usual)].filter(({ state }) => state === 'ready'),
      open: renew && (() => renew(0)),
      isBusy: session => this.isBusy(session),
      logger
    })
  }

  /** Absent where the proxy runs without streams. Another one after a session was renewed. */
  get agent (): StreamAgent | undefined { return this.#agent }
  /** Sites of which it is known from where they are reached. */
  get known (): number { return this.#ways.size }
  get usual (): ProxySession | undefined { return this.#usual }

  /** Streams from one of the own Destinations: the kept ones, where it is theirs. Undefined where there are none. */
  agentOf (source: number): StreamAgent | undefined {
    const { streams, sessions, carried } = this.#hooks
    const session = sessions[source]
    if (typeof streams !== 'function') return source === 0 ? this.#agent : undefined
    if (session === undefined || session === this.#usual) return session && this.#agent
    return new StreamAgent({ connect: options => this.#connect(session, streams, options) }, carried)
  }

  /** What pings and tells of the streams of a session; undefined before there was one. */
  connectorOf (session: ProxySession): Pinger | undefined { return this.#connectors.get(session) }

  /** Streams go over the first session, or over the first that is ready when that one is not. */
  choose (): void {
    const { streams, sessions, isHeard, carried } = this.#hooks
    if (typeof streams !== 'function') {
      if (streams !== undefined) this.#agent ??= new StreamAgent(streams, carried)
      return
    }
    const ready = sessions.filter(({ state }) => state === 'ready')
    // A new Destination may not be heard by the exits at first: one that has had an answer is.
    const session = ready.find(session => isHeard(session)) ?? ready[0] ?? sessions[0]!
    if (session === this.#usual) return
    this.#usual = session
    this.#agent?.closeIdle()
    this.#agent = new StreamAgent(this.#routed(session, streams), carried)
  }

  /** Streams go over it that are not idle. */
  isBusy (session: ProxySession): boolean {
    const idle = new Set<Duplex>(Object.values(this.#agent?.freeSockets ?? {}).flatMap(sockets => sockets ?? []))
    return [...this.#open].some(([stream, over]) => over === session && !idle.has(stream))
  }

  /** A site, from each own Destination that may reach it. */
  peersOf (destination: Destination, port: number): StreamPeer[] {
    const peer: StreamPeer = { kind: 'site', id: destination.b32, destination, port }
    const ways = typeof this.#hooks.streams === 'function' ? this.#ways.of(peer.id) : []
    if (ways.length === 0) return [peer]
    const patience = this.#ways.patience(peer.id)
    return ways.map(from => ({ ...peer, from, ...(from !== 'new' && { patience }) }))
  }

  /**
   * A peer with the Destination that it is to be asked from, built where that is to be a new one, and what is left of the time.
   * @throws StreamFailure where it is not ready in time; the signal's reason
   */
  async fromWhere (peer: StreamPeer, limits: Limits, signal: AbortSignal): Promise<{ peer: StreamPeer, limits: Limits }> {
    if (peer.from !== 'new') return { peer, limits }
    const began = performance.now()
    const from = await this.#ways.fresh(peer.id, limits.connect, signal)
    signal.throwIfAborted()
    if (from === undefined) throw new StreamFailure(new ProxyError('MINWWW_TIMEOUT', 'no new Destination'), true, { isTaken: false })
    return { peer: { ...peer, from }, limits: { ...limits, connect: limits.connect - (performance.now() - began) } }
  }

  close (): void {
    this.#ways.close()
    this.#agent?.destroy()
  }

  /** Streams to an exit go from where it answers messages. */
  #routed (usual: ProxySession, open: OpenStreams): StreamConnector {
    const { sessions, exits } = this.#hooks
    const connector = this.#connector(usual, open)
    const sessionFor = (destination: Destination): ProxySession => {
      const exit = sessions.length > 1 ? exits().find(exit => exit.destination.equals(destination)) : undefined
      const session = exit?.state === 'ready' && exit.source !== undefined ? sessions[exit.source] : undefined
      return session?.state === 'ready' ? session : usual
    }
    return {
      get limits () { return connector.limits ?? [] },
      connect: options => {
        const { destination, from } = options
        const stream = this.#connect(from ?? sessionFor(destination), open, options)
        if (from !== undefined) this.#ways.follow(destination.b32, from, stream)
        return stream
      }
    }
  }

  #connect (session: ProxySession, open: OpenStreams, options: Parameters<StreamConnector['connect']>[0]): Duplex {
    const stream = this.#connector(session, open).connect(options)
    this.#open.set(stream, session)
    return stream.once('close', () => this.#open.delete(stream))
  }

  #connector (session: ProxySession, open: OpenStreams): StreamConnector & Pinger {
    const connector = this.#connectors.get(session) ?? open(session)
    this.#connectors.set(session, connector)
    return connector
  }
}
