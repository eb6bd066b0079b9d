import { systemClock } from '@minwww/ground/node'
import type { Destination, Logger } from '@minwww/i2cp'
import type { ClientConfig, ExitStatus } from '../core.ts'
import { ClientDriver } from './client-driver.ts'
import { poolHealth, type PoolHealth } from './pool-health.ts'
import { PoolWatch } from './pool-watch.ts'
import { DeafWatch } from './deaf-watch.ts'
import { checkRoom, destinationOf, exitId, type NamedExit } from './exit-spec.ts'
import type { ExitSpec, UsersOptions } from './options.ts'
import { PathRefresh } from './path-refresh.ts'
import type { ProxySession } from './proxy-session.ts'
import { Readiness } from './readiness.ts'
import { needOf, ReturnWatch, spareOf, type Spare } from './return-watch.ts'
import { SessionStreams } from './session-streams.ts'
import { SessionWatch } from './session-watch.ts'
import { VacantSession } from './vacant-session.ts'
import type { StreamAgent, StreamPeer } from '../route/streams.ts'
import { NO_MORE } from '../route/stream-watch.ts'
import { WaitingStreams } from '../route/waiting-streams.ts'

export interface BackendOptions {
  config: Partial<ClientConfig>
  logger?: Logger | undefined
  streams?: UsersOptions['streams'] | undefined
  createCore?: UsersOptions['createCore'] | undefined
  renew?: UsersOptions['renew'] | undefined
  /** Called when a session came, or came back. */
  ready?: () => void
  /** Exits of lists may come. */
  isLooking?: (() => boolean) | undefined
}

/** Own Destinations with several exits. */
const MOST_DESTINATIONS = 4
/** Why one is built, for the log. */
const WHY: Record<Spare['kind'], string> = {
  vacant: 'another one is needed beside those there are', stale: 'an exit is back that it may not reach', fresh: 'an exit is silent, and may be back'
}
/** Time between two tries to look up an exit that is given by name, ms. */
const LOOKUP_RETRY = 15_000
/** How long exits have for the answer to a ping, ms. */
const PING_TIMEOUT = 10_000
/** A look-up whose session was replaced waits this long for the next one, ms. */
const LOOKUP_PATIENCE = 60_000

/** After so long a silence streams to exits are not waited for as long as usual, and for how long, ms. */
const SILENCE = 30_000
const SHORT_CONNECT = 8_000
/** Silent exits are asked again so often while somebody looks at the health, ms; and so many at a time. */
const ASK_EVERY = 10_000
const MAX_ASKED = 16
/** A session may be deaf while nobody waits, if a try in vain is no longer ago than this, ms. */
const RECENT = 30_000

/** Sessions, driver, streams and pool of one user: there is one, or one for each isolated credential. */
export class Backend {
  readonly driver: ClientDriver
  /** Of the sessions: `wait` for it. */
  readonly readiness: Readiness
  readonly waiting = new WaitingStreams()
  /** From where exits and sites are reached. */
  readonly sessionStreams: SessionStreams
  readonly #sessions: ProxySession[]
  readonly #options: BackendOptions
  readonly #watch: SessionWatch
  readonly #deafWatch: DeafWatch
  readonly #poolWatch: PoolWatch
  readonly #returnWatch: ReturnWatch
  readonly #pathRefresh = new PathRefresh({ session: source => this.#sessions[source] })
  /** Exits that have answered, by id. */
  readonly #answered = new Set<string>() // at most MAX_EXITS
  readonly #exits = new Map<string, NamedExit>() // at most MAX_EXITS
  readonly #retries = new Map<NamedExit, { timer: NodeJS.Timeout, name: string }>()
  /** Sessions that were given up because they were deaf. */
  #renewals = 0
  /** Those that were as silent as the one that was given up last. */
  readonly #doubted = new Set<number>() // one per session
  /** Sessions over which something was heard, and how many packets of streams. */
  readonly #heard = new WeakMap<ProxySession, number>()
  #closed = false
  /** When silent exits were asked last because somebody looked. */
  #askedAt = Number.NEGATIVE_INFINITY

  /** What streams carry, messages may too. The rest of an answer comes from a peer whose name is its address. */
  readonly #carried = ({ destination }: StreamPeer, rate: number): void => {
    const exit = this.driver.exits().find(exit => exit.destination.equals(destination))
    if (exit === undefined) return
    this.driver.streamHeard(exit.id)
    if (rate !== NO_MORE) this.driver.streamCarried(exit.id, rate)
  }

  constructor (sessions: readonly ProxySession[], options: BackendOptions) {
    if (sessions.length === 0) throw new TypeError('a proxy needs a session')
    const vacant = sessions.length === 1 && options.renew !== undefined ? MOST_DESTINATIONS - 1 : 0
    this.#sessions = [...sessions, ...Array.from({ length: vacant }, () => new VacantSession())]
    this.#options = options
    const { config, logger, createCore, renew, streams } = options
    this.sessionStreams = new SessionStreams({
      sessions: this.#sessions,
      streams,
      renew,
      exits: () => this.driver.exits(),
      isHeard: session => this.#heard.has(session),
      carried: this.#carried,
      logger
    })
    this.driver = new ClientDriver({
      sessions: this.#sessions, config, ...(logger === undefined ? {} : { logger }), ...(createCore === undefined ? {} : { createCore })
    })
    this.#poolWatch = new PoolWatch(logger)
    this.driver.onSilent = () => this.#poolWatch.look(this.health)
    this.driver.onExitState = (id, state) => {
      if (state === 'ready' && this.#exits.has(id)) this.#answered.add(id)
      this.#poolWatch.look(this.health)
    }
    this.driver.onHeard = source => this.#hear(source)
    this.driver.onUnheard = source => this.#pathRefresh.unheard(source)
    this.readiness = new Readiness(() => this.driver.ready)
    this.#watch = new SessionWatch({
      renew,
      logger,
      replaced: (source, session) => this.#replace(source, session),
      ready: () => this.#cameBack()
    })
    this.#deafWatch = new DeafWatch({
      listen: () => this.#listen(),
      isWaiting: () => renew !== undefined && this.driver.ready && (this.driver.inFlight > 0 || this.#isRecentlySilent),
      ask: () => this.#pingExits(),
      build: () => this.#watch.build(this.#deafSource ?? 0),
      giveUp: () => this.#renewDeaf(),
      spare: () => this.#watch.spare()
    })
    this.#returnWatch = new ReturnWatch({
      need: () => renew === undefined || !this.driver.ready ? 'wait' : needOf(this.driver.exits(), this.#answered, this.#spare),
      build: () => this.#watch.build(this.#spare?.source ?? 0),
      take: () => {
        const spare = this.#spare
        return spare !== undefined && this.#watch.change(spare.source, WHY[spare.kind])
      },
      spare: () => this.#watch.spare()
    })
    this.#sessions.forEach((session, source) => this.#watch.follow(source, session))
  }

  get sessions (): readonly ProxySession[] { return this.#sessions.filter(session => !(session instanceof VacantSession)) }

  /** Absent where the proxy runs without streams. Another one after a session was renewed. */
  get streams (): StreamAgent | undefined { return this.sessionStreams.agent }

  /** Streams from one of the own Destinations: the kept ones, where it is theirs. Undefined where there are none. */
  agentOf (source: number): StreamAgent | undefined { return this.sessionStreams.agentOf(source) }

  /** As the session's; a look-up survives that its session is replaced. */
  async lookup (name: string, options?: { timeout?: number }): Promise<Destination> {
    const session = this.#sessions[0]!
    try {
      return await session.lookup(name, options)
    } catch (error) {
      if (this.#closed || this.#sessions[0] === session || !await this.readiness.wait(LOOKUP_PATIENCE)) throw error
      return await this.#sessions[0]!.lookup(name, options)
    }
  }

  /**
   * @returns the id of the exit; one that is there already keeps its place. @throws I2cpError I2CP_MALFORMED; RangeError above MAX_EXITS
   */
  addExit (spec: ExitSpec): string {
    const id = exitId(spec)
    if (this.#exits.has(id)) return id
    checkRoom(this.#exits.size)
    const { target, destination } = destinationOf(spec)
    const exit: NamedExit = destination === undefined ? { id } : { id, destination }
    this.#exits.set(id, exit)
    if (destination !== undefined) this.driver.addExit(id, destination)
    else this.#lookup(exit, target as string).catch(() => {})
    return id
  }

  removeExit (id: string): boolean {
    if (!this.#exits.delete(id)) return false
    this.#answered.delete(id)
    this.driver.removeExit(id)
    return true
  }

  /** Takes an exit out of the pool, or puts it back; its messages in flight go on elsewhere. */
  drainExit (id: string, drained: boolean): boolean {
    const exit = this.#exits.get(id)
    if (exit === undefined || (exit.drained === true) === drained) return false
    exit.drained = drained
    if (drained) this.driver.removeExit(id)
    else if (exit.destination !== undefined) this.driver.addExit(id, exit.destination)
    return true
  }

  /** Every exit, with what the core knows of it once its Destination is found. */
  exits (): Array<NamedExit & { status?: ExitStatus }> {
    const known = new Map(this.driver.exits().map(status => [status.id, status]))
    return [...this.#exits.values()].map(exit => {
      const status = known.get(exit.id)
      return status === undefined ? exit : { ...exit, status }
    })
  }

  /** Whether a request to the pool has somebody to go to. */
  get health (): PoolHealth { return poolHealth(this.exits(), this.#options.isLooking?.()) }

  /**
   * The same for somebody who looks at it, a person or a monitor: silent exits are asked whether they are back, since otherwise only
   * a request does that, and none may come to a proxy that is said not to work.
   */
  lookAtHealth (): PoolHealth {
    const { health } = this
    this.#poolWatch.look(health)
    const now = systemClock.now()
    if (health.state !== 'silent' || now - this.#askedAt < ASK_EVERY) return health
    this.#askedAt = now
    const silent = this.driver.exits().filter(({ silentSince }) => silentSince !== undefined)
    for (const { id } of silent.slice(0, MAX_ASKED)) this.driver.suspectExit(id)
    return health
  }

  /** A stream to an exit stands, or does not. */
  noteStream (id: string, stands: boolean): void {
    const exit = this.#exits.get(id)
    if (exit === undefined) return
    exit.hasStreams = stands
    this.#poolWatch.look(this.health)
  }

  /** All exits have been silent for so long that nobody waits for them in vain any more. One that only speaks streams is none of them. */
  isGone (now = systemClock.now()): boolean {
    const { state, since } = this.health
    return state === 'silent' && since !== undefined && now - since >= SILENCE &&
      this.exits().every(({ hasStreams, status }) => hasStreams === false || (status?.successes ?? 0) > 0)
  }

  /** How long a stream to an exit may take to stand. @param usual - ms */
  connectTime (usual: number): number { return this.isGone() ? Math.min(usual, SHORT_CONNECT) : usual }

  close (): void {
    this.#closed = true
    this.#watch.close()
    this.#deafWatch.close()
    this.#returnWatch.close()
    this.#pathRefresh.close()
    this.readiness.end()
    this.sessionStreams.close()
    for (const { timer } of this.#retries.values()) clearTimeout(timer)
    this.driver.close()
  }

  /** Something came from whom we have asked. Streams leave a session that has heard nothing for one that has. */
  #hear (source: number): void {
    const session = this.#sessions[source]!
    this.#pathRefresh.heard(source)
    if (!this.#heard.has(session)) this.#heard.set(session, 0)
    if (!this.#heard.has(this.sessionStreams.usual!)) this.sessionStreams.choose()
    this.#heardAt(source)
  }

  /** The same for streams and pings. */
  #listen (): void {
    for (const [source, session] of [...this.#sessions.entries()]) {
      const { expected = 0 } = this.sessionStreams.connectorOf(session)?.statistics ?? {}
      if (expected === (this.#heard.get(session) ?? 0)) continue
      this.#heard.set(session, expected)
      this.#hear(source)
    }
  }

  #replace (source: number, session: ProxySession): void {
    const old = this.#sessions[source]
    this.#sessions[source] = session
    this.#pathRefresh.forget(source)
    if (!this.#sessions.includes(this.sessionStreams.usual!)) this.sessionStreams.choose()
    this.driver.replaceSession(source, session)
    old?.close?.().catch(() => {})
  }

  /** Requests to silent exits are given up early: their silence still counts. */
  get #isRecentlySilent (): boolean {
    const exits = this.driver.exits()
    return exits.length > 0 && exits.every(({ silentSince }) => silentSince !== undefined) &&
      exits.some(({ triedAt = 0 }) => systemClock.now() - triedAt < RECENT)
  }

  get #spare (): Spare | undefined {
    return spareOf(this.driver.exits(), this.#sessions, session => this.sessionStreams.isBusy(session))
  }

  /** Exits of ours answer pings, also while they wait for a slow site. */
  #pingExits (): void {
    for (const session of this.#sessions) {
      const connector = this.sessionStreams.connectorOf(session)
      for (const { destination } of this.#exits.values()) {
        if (destination !== undefined) connector?.ping?.(destination, { timeout: PING_TIMEOUT }).catch(() => {})
      }
    }
  }

  /** One session after the other, so that a second one stays. */
  get #deafSource (): number | undefined {
    const ready = this.#sessions.flatMap((session, source) => session.state === 'ready' ? [source] : [])
    return ready[this.#renewals % ready.length]
  }

  #renewDeaf (): boolean {
    const source = this.#deafSource
    if (source === undefined || !this.#watch.change(source, 'nothing was heard from any exit')) return false
    this.#renewals++
    for (const [other, { state }] of this.#sessions.entries()) if (state === 'ready') this.#doubted.add(other)
    this.#doubted.delete(source)
    return true
  }

  /** Where the new one is heard first, routers look up the exits anew for it alone: the others would be deaf for minutes yet. */
  #heardAt (source: number): void {
    this.#deafWatch.heard()
    const isOld = this.#doubted.delete(source)
    const deaf = isOld ? [] : [...this.#doubted]
    this.#doubted.clear()
    for (const other of deaf) this.#watch.renew(other, 'exits hear another Destination only')
  }

  /** A session is ready: what waits for one goes on, and exits that were not found are looked up at once. */
  #cameBack (): void {
    if (this.sessionStreams.usual?.state !== 'ready') this.sessionStreams.choose()
    for (const [exit, { timer, name }] of [...this.#retries]) {
      clearTimeout(timer)
      this.#retries.delete(exit)
      this.#lookup(exit, name).catch(() => {})
    }
    this.#options.ready?.()
    this.readiness.changed()
  }

  /** Names, b32 and base64 alike: the session's lookup takes them all. An exit that is not found is tried again. */
  async #lookup (exit: NamedExit, name: string): Promise<void> {
    try {
      const destination = await this.#sessions[0]!.lookup(name)
      if (this.#closed || this.#exits.get(exit.id) !== exit) return
      exit.destination = destination
      delete exit.error
      if (exit.drained !== true) this.driver.addExit(exit.id, destination)
    } catch (error) {
      if (this.#closed || this.#exits.get(exit.id) !== exit) return
      exit.error = error instanceof Error ? error.message : String(error)
      this.#options.logger?.warn({ exit: exit.id, err: error }, 'exit not found, will try again')
      this.#poolWatch.look(this.health)
      const timer = setTimeout(() => {
        this.#retries.delete(exit)
        this.#lookup(exit, name).catch(() => {})
      }, LOOKUP_RETRY)
      this.#retries.set(exit, { timer, name })
    }
  }
}
