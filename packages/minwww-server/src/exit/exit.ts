import { silentLogger } from '@minwww/ground'
import type { Clock, Logger } from '@minwww/ground'
import { systemClock } from '@minwww/ground/node'
import { limitsOf } from '@minwww/i2cp/codec'
import type { Destination, Limit } from '@minwww/i2cp/codec'
import { VERSION, type ExitProfile } from '@minwww/protocol'
import { BOUNDS } from '../bounds.ts'
import { DEFAULT_PORTS } from '../fetch/guard.ts'
import { Admission } from '../limits/core/admission.ts'
import { Bandwidth } from '../limits/bandwidth.ts'
import { Policy } from '../policy/policy.ts'
import { DEFAULT_STREAM_LIMITS } from '../streams/options.ts'
import { StreamProxy } from '../streams/stream-proxy.ts'
import type { Plan } from '../fetch/fetcher.ts'
import type { HttpRequest, Visitor } from '../fetch/http-types.ts'
import { buildWebSide, type WebSide } from './build-fetcher.ts'
import { CoreDriver } from './core-driver.ts'
import { createCore, limitedTo } from './create-core.ts'
import { asksForDescriptor, checkContact, descriptorMessage, freeShare, OwnDescriptor } from './descriptor.ts'
import { FetchQueue } from './fetch-queue.ts'
import { AccessControl } from './access-control.ts'
import { MessageService, type Outcome } from './message-service.ts'
import { Pushes } from './pushes.ts'
import {
  DEFAULT_MAX_DECODED,
  DEFAULT_PUSH_SHARE,
  DEFAULT_QUEUE,
  DEFAULT_TIMEOUTS,
  type ExitOptions,
  type ReloadableOptions
} from './options.ts'
import type { ExitCore, RouterSession } from './ports.ts'
import { QuotaStore } from './quota-store.ts'
import { Responder } from './responder.ts'
import { Rests } from './rests.ts'
import { Statistics, type Path } from './statistics.ts'

/** Everything that one exit is made of, wired together. `createExit` gives it its public face. */
export class ExitParts {
  readonly destination: Destination
  readonly clock: Clock
  readonly logger: Logger
  readonly policy: Policy
  readonly bandwidth: Bandwidth
  readonly admission: Admission
  readonly statistics = new Statistics()
  readonly rests: Rests
  readonly web: WebSide
  readonly queue: FetchQueue
  readonly access: AccessControl
  /** Undefined for an exit that sends only what it is asked for. */
  readonly pushes: Pushes | undefined
  readonly service: MessageService
  readonly core: ExitCore
  readonly driver: CoreDriver
  readonly quotaStore: QuotaStore | undefined
  readonly streams: StreamProxy | undefined
  readonly startedAt: number
  readonly #descriptor: OwnDescriptor
  readonly #contact: string | undefined
  #ports: readonly number[]
  readonly #session: RouterSession
  readonly #source: ExitOptions['streams']
  readonly #onStreamed = (to: Destination, bytes: number): void => this.bandwidth.streamed(to.b32, bytes)
  #draining = false

  private constructor (options: ExitOptions, policy: Policy, clock: Clock, quota: Awaited<ReturnType<typeof QuotaStore.open>> | undefined) {
    this.#session = options.session
    this.#source = options.streams
    this.destination = options.session.destination
    this.clock = clock
    this.startedAt = clock.now()
    this.logger = options.logger ?? silentLogger
    this.policy = policy
    this.quotaStore = quota?.store
    this.bandwidth = new Bandwidth(options.bandwidth ?? {}, clock, quota?.saved, () => this.quotaStore?.counted())
    this.admission = new Admission(options.limits ?? {}, clock.now())
    this.rests = new Rests(clock)
    this.#contact = options.contact === undefined ? undefined : checkContact(options.contact)
    this.#ports = options.ports ?? DEFAULT_PORTS
    this.#descriptor = new OwnDescriptor({
      keys: options.session.keys, clock, clockOffset: () => options.session.clockOffset, profile: () => this.profile
    })
    this.queue = new FetchQueue({ ...DEFAULT_QUEUE, ...options.queue }, clock)
    this.web = buildWebSide(options, policy, clock, () => this.queue.slotFreed())
    this.access = new AccessControl({
      policy,
      admission: this.admission,
      bandwidth: this.bandwidth,
      statistics: this.statistics,
      active: () => this.active + (this.pushes?.active ?? 0),
      now: clock.now
    })
    const responder = this.#createResponder(options)
    this.pushes = options.push === false ? undefined : this.#createPushes(responder)
    this.#setPushShare(options)
    this.service = this.#createService(options, responder)
    this.core = createCore(options, clock)
    this.driver = new CoreDriver({
      core: this.core,
      session: options.session,
      clock,
      logger: this.logger,
      pacer: this.bandwidth,
      onEvent: event => this.service.handle(event)
    })
    this.streams = this.#createStreams(options)
    this.quotaStore?.start(() => this.bandwidth.quotaState())
  }

  static async create (options: ExitOptions): Promise<ExitParts> {
    const clock = options.clock ?? systemClock
    const policy = await Policy.load(options.policy)
    const logger = options.logger ?? silentLogger
    const { stateDir, session } = options
    const quota = stateDir === undefined ? undefined : await QuotaStore.open(stateDir, session.destination.b32, clock, logger)
    return new ExitParts(options, policy, clock, quota)
  }

  /** Requests and tunnels under way. */
  get active (): number {
    return this.service.active + (this.streams?.active ?? 0)
  }

  /** State of the I2CP session, where it tells. */
  get sessionState (): string | undefined {
    return (this.#session as { state?: string }).state
  }

  /** Clients with a session; answers that wait to leave towards I2P, their number and bytes. */
  get coreLoad (): { sessions: number, sending: number, queued: number } {
    const { sessions = 0, sending = 0, queued = 0 } = this.core.load ?? {}
    return { sessions, sending, queued }
  }

  /** How full the tables, queues and caches are. */
  get bounds (): Limit[] {
    const { sessions = 0, fetches = 0, tokens = 0, held = 0, queued = 0 } = this.core.load ?? {}
    const { queue, streams, admission, rests, web } = this
    const { cache } = web
    const own = limitsOf(BOUNDS, {
      sessions,
      fetches,
      tokens,
      held,
      queued,
      queue: { used: queue.waiting, most: queue.limits.maxQueued },
      running: { used: queue.running, most: queue.limits.concurrency },
      connections: { used: web.slots.used, most: web.slots.most },
      idle: web.fetcher.connections.idle,
      rests: rests.size,
      clients: { used: admission.clients, most: admission.maxClients },
      ...(streams !== undefined && { streams: { used: streams.size, most: streams.maxStreams } }),
      ...(cache !== undefined && { cache: { used: cache.stats.bytes, most: cache.maxBytes } })
    })
    return [...own, ...this.#session.limits ?? []]
  }

  /** The signed line that says what this exit is (docs/reference/protocol.md, section 10). */
  get descriptor (): string { return this.#descriptor.line }

  /** What the exit offers, as its descriptor says it. */
  get profile (): ExitProfile {
    const { policy, bandwidth, queue, admission } = this
    const { day, month } = bandwidth.quotaShare()
    const requests = admission.requestsAMinute
    return {
      versions: [VERSION],
      ...policy.summary,
      ports: this.#ports,
      rate: Math.floor(bandwidth.limits.out),
      requests,
      free: freeShare(day, month, 1 - (queue.running + queue.waiting) / queue.limits.concurrency),
      pushes: this.pushes !== undefined,
      ...(this.#contact !== undefined && { contact: this.#contact })
    }
  }

  get coreCounters (): Record<string, number> {
    return { ...this.core.stats, ...(this.pushes !== undefined && { pushesAskedAgain: this.pushes.askedAgain }) }
  }

  get isDraining (): boolean {
    return this.#draining
  }

  /** Refuses everything new from now on; resolves when what is under way is answered, and the answers have left. */
  async drain (): Promise<void> {
    this.#draining = true
    this.driver.act((core, now) => core.drain?.(now))
    this.rests.release()
    // What has begun goes on: its streams are still taken.
    const streamed = new Promise<void>((resolve, reject) => {
      this.rests.whenEmpty(() => { Promise.resolve(this.streams?.drain()).then(resolve, reject) })
    })
    await Promise.all([streamed, this.service.drain().then(async () => await this.driver.idle())])
  }

  /**
   * Reads the lists again; with options, their limits, addresses and policy are in force from now on.
   *
   * @throws ServerError MINWWW_EXIT_BAD_OPTION, with nothing changed
   */
  async reload (options?: ReloadableOptions): Promise<void> {
    this.#descriptor.forget()
    if (options === undefined) return await this.policy.reload()
    const useAddresses = this.web.prepare(options)
    await this.policy.reload(options.policy ?? {})
    useAddresses()
    this.#ports = options.ports ?? DEFAULT_PORTS
    this.bandwidth.setLimits(options.bandwidth ?? {})
    this.#setPushShare(options)
    this.admission.setLimits(options.limits ?? {}, this.clock.now())
    this.streams?.setLimits({ ...DEFAULT_STREAM_LIMITS, ...options.streamLimits })
    this.driver.act((core, now) => core.setLimits?.(now, limitedTo(options.bandwidth?.out ?? 0)))
  }

  async close (): Promise<void> {
    this.#draining = true
    this.streams?.close()
    this.#source?.off?.('sent', this.#onStreamed)
    this.service.close()
    this.pushes?.close()
    this.driver.close()
    this.rests.close()
    await this.web.fetcher.close()
    this.bandwidth.close()
    await this.quotaStore?.close()
  }

  #createResponder (options: ExitOptions): Responder {
    return new Responder({
      fetcher: this.web.fetcher,
      clock: this.clock,
      hasStreams: () => options.streams !== undefined && !this.#draining,
      maxDecoded: options.maxDecoded ?? DEFAULT_MAX_DECODED,
      cache: this.web.cache,
      meter: async (visitor, bytes, signal) => await this.bandwidth.takeIn(visitor.b32, bytes, signal)
    })
  }

  #createPushes (responder: Responder): Pushes {
    return new Pushes({
      driver: () => this.driver,
      responder,
      queue: this.queue,
      clock: this.clock,
      admit: (visitor, request) => this.#admit(visitor, request),
      hasRoom: visitor => this.access.hasRoom(visitor),
      onOutcome: (visitor, outcome, bytes, milliseconds) => this.#finished('push', visitor, outcome, bytes, milliseconds),
      onQueued: (visitor, bytes) => this.bandwidth.owe(visitor.b32, bytes)
    })
  }

  #setPushShare ({ bandwidth, pushShare = DEFAULT_PUSH_SHARE }: Pick<ExitOptions, 'bandwidth' | 'pushShare'>): void {
    const out = bandwidth?.out ?? 0
    this.pushes?.setShare(pushShare === 0 ? 0 : out === 0 ? Infinity : out * pushShare / 100)
  }

  #admit (visitor: Visitor, request: HttpRequest): Plan {
    this.access.admit(visitor, request)
    return this.web.fetcher.plan(request, visitor)
  }

  #finished (path: Path, visitor: Visitor, outcome: Outcome, bytes: number, milliseconds: number): void {
    this.statistics.finished(path, outcome, bytes, milliseconds)
    this.admission.spend(this.clock.now(), visitor.b32, bytes)
  }

  #createService (options: ExitOptions, responder: Responder): MessageService {
    return new MessageService({
      driver: () => this.driver,
      responder,
      rests: this.rests,
      pushes: this.pushes,
      queue: this.queue,
      clock: this.clock,
      logger: this.logger,
      logUrls: options.logUrls ?? false,
      admit: (visitor, request) => this.#admit(visitor, request),
      ownAnswer: (visitor, request) => {
        if (!asksForDescriptor(request)) return undefined
        this.access.admit(visitor, request)
        return descriptorMessage(this.descriptor)
      },
      onOutcome: (visitor, outcome, bytes, milliseconds) => this.#finished('message', visitor, outcome, bytes, milliseconds),
      onQueued: (visitor, bytes) => this.bandwidth.owe(visitor.b32, bytes)
    })
  }

  #createStreams (options: ExitOptions): StreamProxy | undefined {
    if (options.streams === undefined) return undefined
    const { web, policy, access, queue, rests, bandwidth, statistics, clock, logger } = this
    const context = {
      web,
      policy,
      access,
      queue,
      rests,
      bandwidth,
      statistics,
      clock,
      logger,
      logUrls: options.logUrls ?? false,
      timeouts: { ...DEFAULT_TIMEOUTS, ...options.timeouts },
      isDraining: () => this.#draining,
      descriptor: () => this.descriptor,
      own: this.destination.b32
    }
    options.streams.on?.('sent', this.#onStreamed)
    return new StreamProxy(context, options.streams, { ...DEFAULT_STREAM_LIMITS, ...options.streamLimits }, options.streamPort)
  }
}
