import type { AddressInfo } from 'node:net'
import type { IncomingMessage, Server } from 'node:http'
import type { Destination, Limit } from '@minwww/i2cp'
import type { ExitDescriptor } from '@minwww/protocol'
import type { ClientConfig } from '../core.ts'
import type { ExitLists } from '../lists/exit-lists.ts'
import { ExitSayings } from '../lists/exit-sayings.ts'
import type { Verified } from '../lists/core/verify.ts'
import { listFetcher, type FetchList } from '../lists/fetch-list.ts'
import { listsOf } from './lists-of.ts'
import { readDescriptor } from '../lists/read-descriptor.ts'
import { ActivityLog } from '../route/activity.ts'
import { followHelper, whoKnows } from '../route/address-helper.ts'
import { AltSvcMemory } from '../route/alt-svc.ts'
import type { Answer, SiteRequest } from '../http/answer.ts'
import { Authenticator } from '../http/auth.ts'
import type { Backend } from '../sessions/backend.ts'
import { SiteFetcher } from '../route/site-fetcher.ts'
import { ProxyError } from '../http/failures.ts'
import type { Fields } from '../http/fields.ts'
import { Front } from '../front/front.ts'
import { createListener } from '../front/listener.ts'
import { isLoopback, LocalGuard, type Gain } from '../pages/local.ts'
import { poolHealth, stateOf, type PoolHealth } from '../sessions/pool-health.ts'
import type { LocalPages } from '../front/local-pages.ts'
import { proxyLimits } from './limits.ts'
import type { LocalApp } from './local-app.ts'
import { JUMP_SERVICES, settingsOf, type ProxyOptions } from './options.ts'
import type { Settings } from '../http/settings.ts'
import type { ExitSpec } from '../sessions/options.ts'
import { NameService } from '../route/names.ts'
import { TunnelFront } from '../front/tunnel-front.ts'
import { Preloads } from '../route/preloads.ts'
import { Tunnels } from '../route/tunnels.ts'
import { checkMayChange, Users, type Seat, type Viewer } from '../sessions/users.ts'

export interface Proxy {
  /** Where the browser's connections are taken. */
  readonly address: { host: string, port: number }
  /** What is in flight and what was done last. */
  readonly activity: ActivityLog
  /** True once a request would go out. */
  readonly ready: boolean
  /** State of the first session, in words. */
  readonly state: string
  /** Whether a request to the exits has somebody to go to, and why not. */
  readonly health: PoolHealth
  /** Nothing ever goes to an exit. */
  readonly i2pOnly: boolean
  /** What start page and console say first. */
  readonly notice: string | undefined
  /** What the start page shows of what it is for. */
  readonly gain: Gain | undefined
  readonly names: NameService
  /** @returns the exit's id. @throws RangeError above 256 exits, or with `i2pOnly` */
  addExit (exit: ExitSpec): string
  removeExit (id: string): boolean
  /** Takes an exit out of the pool without forgetting it, or back in; its messages in flight go on elsewhere. */
  drainExit (id: string, drained: boolean): boolean
  exits (): ReturnType<Backend['exits']>
  /** An exit that a list brought, and not the user. */
  isListed (id: string): boolean
  /** How full the tables, queues and caches are, of the fullest session and user where there are several. */
  limits (): Limit[]
  /** Every cache, or those of one viewer of the console. */
  clearCache (viewer?: Viewer): Promise<void>
  /** Ends every connection; sessions and stream managers stay the caller's. */
  close (): Promise<void>
}

/**
 * The browser's HTTP proxy. It listens when the promise resolves, whether the sessions are ready or not.
 * @throws Error with code of node's listen (EADDRINUSE, EACCES); ProxyError MINWWW_AUTH_REQUIRED for an open listener without users
 */
export async function createProxy (options: ProxyOptions): Promise<Proxy> {
  if (options.auth === undefined && !isLoopback(options.listen.host)) {
    throw new ProxyError('MINWWW_AUTH_REQUIRED', `${options.listen.host} can be reached by others: set users, or listen on 127.0.0.1`)
  }
  if (options.isolate !== undefined && options.auth === undefined) throw new TypeError('isolation needs users')
  const proxy = new RunningProxy(options)
  await proxy.start()
  return proxy
}

class RunningProxy implements Proxy {
  readonly activity = new ActivityLog()
  readonly notice: string | undefined
  readonly names: NameService
  readonly users: Users
  readonly #gain: ProxyOptions['gain']
  readonly #listen: ProxyOptions['listen']
  readonly #fetcher: SiteFetcher
  readonly #settings: Settings
  readonly #front: Front
  /** One for each seat, and gone with it. */
  readonly #preloads = new WeakMap<Backend, Preloads>()
  readonly #preloading: boolean
  readonly #altSvc = new AltSvcMemory()
  readonly #server: Server
  readonly #endConnections: () => void
  readonly #pages: LocalPages
  /** Loaded while the proxy listens already. */
  #local: Promise<LocalApp> | undefined
  readonly lists: ExitLists | undefined
  readonly sayings: ExitSayings
  readonly #config: Partial<ClientConfig>

  constructor (options: ProxyOptions) {
    const { logger } = options
    const settings = this.#settings = settingsOf(options)
    this.#listen = options.listen
    this.#preloading = options.preload ?? true
    this.notice = options.notice
    this.#gain = options.gain
    const config = this.#config = {
      workingDeadline: settings.timeouts.answer, ...(options.push === false && { pushBudget: 0 }), ...options.config
    }
    const several = Object.keys(options.auth?.users ?? {}).length > 1
    this.users = new Users({ ...options, config, isLooking: () => this.lists?.isLooking ?? false }, several)
    this.names = new NameService(options.names?.hostsFile, logger)
    this.users.onReady = () => {
      this.names.forgetMissing()
      this.lists?.wake()
    }
    const jumpServices = options.names?.jumpServices ?? JUMP_SERVICES
    this.#fetcher = new SiteFetcher({
      settings,
      names: this.names,
      altSvc: this.#altSvc,
      jumpServices,
      logger,
      beforePool: async (backend, signal) => {
        if (this.lists?.isLooking === true && backend.exits().length === 0) await this.lists.wait(settings.timeout, signal)
      },
      salt: () => config.salt ?? ''
    })
    const find: FetchList = async (...list) => {
      // A site that was not found a moment ago may have come.
      this.names.forgetMissing()
      return await listFetcher(this.#fetcher, () => this.users.common?.backend)(...list)
    }
    this.lists = listsOf(options, this.users, find, this.#ask)
    this.sayings = new ExitSayings(this.#ask)
    const authenticator = options.auth === undefined ? undefined : new Authenticator(options.auth)
    const authenticate = (request: IncomingMessage, fields: Fields): string | undefined =>
      authenticator?.check(request, fields, 'proxy-authorization')
    const fault = (error: unknown): void => {
      this.activity.faults++
      logger?.error({ err: error }, 'fault in the proxy: the exchange was ended, everything else goes on')
    }
    const front = this.#front = new Front(settings, {
      local: (request, response) => {
        this.#local?.then(app => app.handle(request, response)).catch((error: unknown) => {
          response.destroy()
          fault(error)
        })
      },
      authenticate,
      exchange: async (request, user, isPatient) => {
        const began = performance.now()
        const seat = await this.users.seatOf(user, isPatient ? { timeout: settings.timeout, signal: request.signal } : undefined)
        return await this.#fetch({ ...request, timeout: settings.timeout - (performance.now() - began) }, seat)
      },
      progress: () => PROGRESS[this.users.state],
      fault
    }, this.activity, logger)
    const tunnels = new Tunnels({ fetcher: this.#fetcher, activity: this.activity, settings, logger })
    const tunnelFront = new TunnelFront({
      front,
      tunnels,
      settings,
      authenticate,
      backend: async (user, signal) => (await this.users.seatOf(user, { timeout: settings.timeout, signal })).backend,
      admit: (request, target) => front.admit(request, target),
      fault
    })
    const listener = createListener({
      request: (request, response) => front.handle(request, response),
      connect: (request, connection) => tunnelFront.connect(request, connection),
      upgrade: (request, connection) => tunnelFront.upgrade(request, connection),
      fault
    }, settings)
    this.#server = listener.server
    this.#endConnections = () => {
      tunnels.close()
      listener.closeConnections()
    }
    this.#pages = {
      guard: new LocalGuard(options.hostnames ?? []),
      proxy: this,
      authenticator,
      exits: ({ user }) => this.#exitsOf(this.users.viewerOf(user)),
      sanitize: settings.sanitize,
      names: {
        names: this.names,
        i2pOnly: settings.i2pOnly,
        known: async ({ user }, name) => {
          const via = this.users.lookupOf(user)
          return await whoKnows(name, this.names, via, async asked => via !== undefined && await this.#fetcher.isServed(asked, via))
        },
        mayChange: ({ user }) => checkMayChange(this.users.viewerOf(user))
      }
    }
  }

  async start (): Promise<void> {
    await this.names.load()
    if (this.lists !== undefined) {
      await this.lists.load()
      this.#config.salt = this.lists.salt
    }
    await this.users.start()
    for (const b32 of this.lists?.directory.banned ?? []) this.users.removeExit(b32)
    this.lists?.wake()
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject).listen(this.#listen, () => {
        this.#server.off('error', reject)
        resolve()
      })
    })
    this.#local = this.#loadPages()
    // Whoever asks for a page sees the error; until then it must not count as unhandled.
    this.#local.catch(() => {})
  }

  get address (): { host: string, port: number } {
    const { address, port } = this.#server.address() as AddressInfo
    return { host: address, port }
  }

  get ready (): boolean { return this.users.ready }
  get state (): string { return this.users.state }
  get gain (): Gain | undefined { return this.#gain?.() }
  get i2pOnly (): boolean { return this.#settings.i2pOnly }
  get health (): PoolHealth { return this.users.common?.backend.lookAtHealth() ?? poolHealth([]) }

  addExit (exit: ExitSpec): string { return this.users.addExit(exit) }
  removeExit (id: string): boolean { return this.users.removeExit(id) }
  drainExit (id: string, drained: boolean): boolean { return this.users.drainExit(id, drained) }
  isListed (id: string): boolean { return this.lists?.isListed(id) ?? false }
  exits (): ReturnType<Backend['exits']> { return this.users.common?.backend.exits() ?? [] }
  limits (): Limit[] {
    const { activity, names, users, lists } = this
    return proxyLimits({
      settings: this.#settings,
      decoders: this.#front.decoders.load,
      activity,
      names,
      altSvc: this.#altSvc,
      users,
      lists
    })
  }

  #exitsOf (viewer: Viewer): Array<{ id: string, state: string, last: boolean }> {
    const last = this.activity.done.find(({ exit, user }) => exit !== undefined && (viewer.sees === 'all' || user === viewer.user))?.exit
    return (this.users.backendOf(viewer)?.exits() ?? []).map(exit => ({ id: exit.id, state: stateOf(exit), last: exit.id === last }))
  }

  async clearCache (viewer?: Viewer): Promise<void> { await this.users.clearCache(viewer) }

  async close (): Promise<void> {
    this.#endConnections()
    const closed = new Promise<void>(resolve => { this.#server.close(() => resolve()) })
    await (await this.#local)?.close()
    await closed
    await this.lists?.close()
    await this.users.close()
  }

  async #loadPages (): Promise<LocalApp> {
    const { createLocalApp } = await import('./local-app.ts')
    return await createLocalApp(this.#server, this.#pages, { proxy: this, users: this.users })
  }

  /** Asks an exit what it is. */
  readonly #ask = async (destination: Destination, timeout: number): Promise<Verified<ExitDescriptor>> => {
    const backend = this.users.common?.backend
    if (backend === undefined) throw new ProxyError('MINWWW_NOT_READY')
    const offset = (): number => backend.sessions[0]?.clockOffset ?? 0
    return await readDescriptor(backend.driver, destination, { timeout, now: () => Date.now() + offset() })
  }

  /** What pages of this user need is asked for ahead. */
  #preloadsOf (seat: Seat): Preloads | undefined {
    if (!this.#preloading) return undefined
    const { backend, cache } = seat
    const present = this.#preloads.get(backend)
    if (present !== undefined) return present
    const preloads = new Preloads({
      ask: async request => await this.#fetcher.fetch(request, backend),
      isKept: async request => await cache?.isKept(request) ?? false,
      lookUp: target => { this.#fetcher.route(target, backend).catch(() => {}) },
      gate: backend.driver.core.gate,
      now: Date.now
    })
    this.#preloads.set(backend, preloads)
    return preloads
  }

  async #fetch (request: SiteRequest, seat: Seat): Promise<Answer> {
    const { backend, cache } = seat
    const led = await followHelper(
      request.target,
      this.names,
      backend,
      request.from,
      async name => await this.#fetcher.isServed(name, backend)
    )
    if (led !== undefined) return led
    const ask = async (asked: SiteRequest): Promise<Answer> => await this.#fetcher.fetch(asked, backend)
    const preloads = this.#preloadsOf(seat)
    const forward = preloads === undefined ? ask : async (asked: SiteRequest): Promise<Answer> => await preloads.fetch(asked, ask)
    return cache === undefined ? await forward(request) : await cache.fetch(request, forward)
  }
}

/** How far the page that waits for the router shows the bar. */
const PROGRESS: Readonly<Record<string, number>> = { connecting: 0.15, reconnecting: 0.15, building: 0.6, ready: 1 }
