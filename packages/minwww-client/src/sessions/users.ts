import type { Logger } from '@minwww/i2cp'
import { DiskStore } from '../cache/disk.ts'
import { HttpCache } from '../cache/cache.ts'
import { Backend } from './backend.ts'
import { ProxyError } from '../http/failures.ts'
import { checkRoom, exitId } from './exit-spec.ts'
import type { CacheOptions, ExitSpec, Tunnels, UsersOptions } from './options.ts'
import type { Patience } from '../http/patience.ts'
import type { ProxySession } from './proxy-session.ts'
import { PoolMemory } from './pool-memory.ts'
import { Readiness } from './readiness.ts'

/** Everything that one user does not share with another. */
export interface Seat { backend: Backend, cache: HttpCache | undefined }

export const MEMORY = 64 * 1024 * 1024 // bytes
export const ENTRY = 4 * 1024 * 1024 // bytes
export const DISK = 512 * 1024 * 1024 // bytes

/** How much of the proxy somebody sees on the console: all of it, or what is their own. */
export type Viewer = { sees: 'all' } | { sees: 'own', user: string }

/** @throws ProxyError MINWWW_FORBIDDEN for somebody who may not change what all users share */
export function checkMayChange (viewer: Viewer): void {
  if (viewer.sees === 'own') throw new ProxyError('MINWWW_FORBIDDEN', 'all users share this: only an administrator of the proxy changes it')
}

/** @throws ProxyError MINWWW_FORBIDDEN for somebody who sees only what is his own */
export function checkSeesAll (viewer: Viewer): void {
  if (viewer.sees === 'own') throw new ProxyError('MINWWW_FORBIDDEN', 'only an administrator of the proxy sees what all users do')
}

/** A seat that is there, or comes. */
interface Opening { coming: Promise<void>, seat?: Seat }

/** The seat of everybody, and one of their own for users where isolation is asked for. */
export class Users {
  readonly #options: UsersOptions
  readonly #several: boolean
  readonly #logger: Logger | undefined
  /** By id: what a seat that is opened later begins with. */
  readonly #exits = new Map<string, ExitSpec>()
  readonly #isolated = new Map<string, Opening>() // one per user of `auth`
  readonly #seats: Seat[] = []
  /** The common seat is there, or will never be. */
  readonly #opened = new Readiness(() => this.#common !== undefined || this.#failure !== undefined)
  #common: Seat | undefined
  #disk: DiskStore | undefined
  readonly #memory: PoolMemory | undefined
  #remembered: unknown
  #failure: unknown
  #closed = false
  /** Called when a session came, or came back. */
  onReady: (() => void) | undefined

  /** `several`: more than one person uses the common seat, so that its cache keeps nothing that is one person's. */
  constructor (options: UsersOptions, several: boolean) {
    this.#options = options
    this.#several = several
    this.#logger = options.logger
    if (options.stateDirectory !== undefined) this.#memory = new PoolMemory({ directory: options.stateDirectory, logger: options.logger })
    if (options.exits.length > 0) this.#checkTakesExits()
    for (const exit of options.exits) this.#exits.set(exitId(exit), exit)
  }

  /**
   * Opens the disk store, reads what is remembered of the exits, and takes up the sessions as soon as they are there. @throws the file
   * system's error
   */
  async start (): Promise<void> {
    const { cache } = this.#options
    if (cache !== false && cache?.directory !== undefined) {
      this.#disk = await DiskStore.open(cache.directory, cache.maxDiskBytes ?? DISK, this.#logger)
    }
    this.#remembered = await this.#memory?.load()
    const { sessions } = this.#options
    // Sessions that are there need no turn of the event loop.
    if (Array.isArray(sessions)) this.#open(sessions as readonly ProxySession[])
    else Promise.resolve(sessions).then(opened => this.#open(opened)).catch((error: unknown) => { this.#fail(error) })
  }

  get common (): Seat | undefined { return this.#common }
  get seats (): readonly Seat[] { return this.#seats }

  /** Without isolation nothing is anybody's own. */
  viewerOf (user: string | undefined): Viewer {
    const { isolate, administrators = [] } = this.#options
    return user === undefined || isolate === undefined || administrators.includes(user) ? { sees: 'all' } : { sees: 'own', user }
  }

  seatsOf (viewer: Viewer): readonly Seat[] {
    if (viewer.sees === 'all') return this.#seats
    const seat = this.#isolated.get(viewer.user)?.seat
    return seat === undefined ? [] : [seat]
  }

  /** Whose exits somebody sees; undefined before there is one. */
  backendOf (viewer: Viewer): Backend | undefined {
    return viewer.sees === 'all' ? this.#common?.backend : this.seatsOf(viewer)[0]?.backend
  }

  /** Whose session finds a name for somebody. */
  lookupOf (user: string | undefined): Backend | undefined { return this.backendOf(this.viewerOf(user)) }

  /** Requests that wait until there are sessions. */
  get waiting (): number { return this.#opened.waiting + this.#seats.reduce((sum, { backend }) => sum + backend.readiness.waiting, 0) }
  get ready (): boolean { return this.#common?.backend.driver.ready === true }
  get state (): string {
    return this.#failure === undefined ? this.#common?.backend.driver.state ?? 'connecting' : 'no connection to the router'
  }

  /** With patience it is waited for. @throws ProxyError MINWWW_NOT_READY, MINWWW_NO_ROUTER */
  async seatOf (user: string | undefined, patience?: Patience): Promise<Seat> {
    const began = performance.now()
    const isCommon = user === undefined || this.#options.isolate === undefined
    if (isCommon && patience !== undefined) await this.#opened.wait(patience.timeout, patience.signal)
    const seat = isCommon ? this.#common : await this.#isolatedSeat(user, patience)
    if (patience !== undefined) await seat?.backend.readiness.wait(patience.timeout - (performance.now() - began), patience.signal)
    if (seat?.backend.driver.ready === true) return seat
    patience?.signal?.throwIfAborted()
    // Before there are sessions nobody knows whether the router can be reached.
    const state = seat?.backend.driver.state ?? (isCommon && this.#failure !== undefined ? 'closed' : 'building')
    throw new ProxyError(state === 'building' ? 'MINWWW_NOT_READY' : 'MINWWW_NO_ROUTER', state)
  }

  /** @throws RangeError above 256 exits, or where none is taken */
  addExit (exit: ExitSpec): string {
    this.#checkTakesExits()
    const id = exitId(exit)
    if (!this.#exits.has(id)) checkRoom(this.#exits.size)
    for (const { backend } of this.#seats) backend.addExit(exit)
    this.#exits.set(id, exit)
    return id
  }

  hasExit (id: string): boolean { return this.#exits.has(id) }

  removeExit (id: string): boolean {
    this.#exits.delete(id)
    return this.#seats.map(({ backend }) => backend.removeExit(id)).includes(true)
  }

  drainExit (id: string, drained: boolean): boolean {
    return this.#seats.map(({ backend }) => backend.drainExit(id, drained)).includes(true)
  }

  #checkTakesExits (): void {
    if (this.#options.i2pOnly === true) throw new RangeError('this proxy opens sites of I2P only, and takes no exit')
  }

  async clearCache (viewer: Viewer = { sees: 'all' }): Promise<void> {
    await Promise.all(this.seatsOf(viewer).map(async ({ cache }) => { await cache?.clear() }))
  }

  async close (): Promise<void> {
    this.#closed = true
    this.#opened.end()
    this.#memory?.stop()
    const known = this.#common?.backend.driver.remembered
    for (const { backend } of this.#seats) backend.close()
    if (known !== undefined) await this.#memory?.save(known)
    await this.#disk?.flush()
  }

  /** Opened when the user comes first; without patience it is not waited for. @throws ProxyError MINWWW_NO_ROUTER */
  async #isolatedSeat (user: string, patience: Patience | undefined): Promise<Seat | undefined> {
    const known = this.#isolated.get(user) ?? this.#openIsolated(user)
    if (known.seat === undefined && patience !== undefined) await known.coming
    return known.seat
  }

  #openIsolated (user: string): Opening {
    const coming = this.#options.isolate!(user).then(tunnels => { opening.seat = this.#seat(tunnels, false) }, (error: unknown) => {
      this.#isolated.delete(user)
      this.#logger?.error({ err: error }, 'no session for a user')
      throw new ProxyError('MINWWW_NO_ROUTER', undefined, { cause: error })
    })
    coming.catch(() => {})
    const opening: Opening = { coming }
    this.#isolated.set(user, opening)
    return opening
  }

  #open (sessions: readonly ProxySession[]): void {
    if (this.#closed) return
    const { streams, renew } = this.#options
    this.#common = this.#seat({ sessions, ...(streams === undefined ? {} : { streams }), ...(renew === undefined ? {} : { renew }) }, true)
    this.#memory?.follow(() => this.#common?.backend.driver.remembered)
    this.#opened.changed()
    // A session that is ready already tells it nobody.
    if (this.ready) this.onReady?.()
  }

  #fail (error: unknown): void {
    this.#failure = error
    this.#opened.changed()
    this.#logger?.error({ err: error }, 'no session')
  }

  #seat ({ sessions, streams, renew }: Tunnels, isCommon: boolean): Seat {
    const { config, strategy, replyMode, createCore, cache, isLooking } = this.#options
    const backend = new Backend(sessions, {
      config: { ...config, ...(strategy === undefined ? {} : { strategy }), ...(replyMode === undefined ? {} : { replyMode }) },
      logger: this.#logger,
      streams,
      createCore,
      renew,
      isLooking,
      ready: () => this.onReady?.()
    })
    if (isCommon && this.#remembered !== undefined) backend.driver.remember(this.#remembered)
    for (const exit of this.#exits.values()) backend.addExit(exit)
    const seat = { backend, cache: cache === false ? undefined : cacheOf(cache ?? {}, isCommon ? this.#disk : undefined, isCommon && this.#several) }
    this.#seats.push(seat)
    return seat
  }
}

/** Only the common seat has a place on disk: what isolated users saw leaves no trace. */
const cacheOf = (
  { maxBytes = MEMORY, maxEntryBytes = ENTRY }: CacheOptions, disk: DiskStore | undefined, shared: boolean
): HttpCache => new HttpCache({ maxBytes, maxEntryBytes, shared, ...(disk === undefined ? {} : { disk }) })
