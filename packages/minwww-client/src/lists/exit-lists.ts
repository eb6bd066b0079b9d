import { randomBytes, randomInt } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import type { Clock, Logger, Timer } from '@minwww/ground'
import type { Destination } from '@minwww/i2cp'
import { parseStatement, type ExitDescriptor } from '@minwww/protocol'
import { Readiness } from '../sessions/readiness.ts'
import { ExitDirectory, type Action, type Leaving } from './core/directory.ts'
import { readList, type ReadList } from './core/list.ts'
import { verifyStatement, type Verified } from './core/verify.ts'
import type { FetchList } from './fetch-list.ts'
import { ListStore } from './list-store.ts'

/** Longest and shortest time between two looks at what is due, ms. */
const TICK = 60_000
const MIN_TICK = 1_000
const DAY = 86_400_000
/** A list is asked for once a day, so much earlier or later, so that it tells less of who asks. */
const SPREAD = 0.1
/** A list that does not come is asked for again after this, ms; it doubles, up to the maximum. */
const RETRY = 10_000
const MAX_RETRY = 3_600_000
/** What an exit may take to say what it is, ms. */
const ASK_TIMEOUT = 30_000
/** An exit that has been silent for so long while another one answers is replaced, ms. */
const SILENT = 600_000
/** Requests wait for the first exits of lists at most so long after a session came, ms. */
const LOOKING = 120_000
/** Requests wait no longer for a list that failed so often. */
const PATIENCE = 3
/** The first draw waits for all lists, but not longer than this after the first of them, ms. */
const GRACE = 15_000
/** A list of so many exits of which so many are gone at once is told apart. */
const MANY = 4
const MOST = 0.75

export interface ExitListsOptions {
  urls: readonly string[]
  /** Publishers that must name an exit. Default 2 where there are more than two, else 1. */
  agree?: number | undefined
  /** b32 addresses that are never used: our own exits. */
  own?: readonly string[] | undefined
  stateDirectory?: string | undefined
  logger?: Logger | undefined
  clock: Clock
  fetchList: FetchList
  /** Asks an exit what it is. */
  ask: (destination: Destination, timeout: number) => Promise<Verified<ExitDescriptor>>
  pool: ListedPool
  /** Whole numbers from 0 to below `bound`. Default: the system's. */
  random?: (bound: number) => number
}

/** What the lists do with the proxy's pool. */
export interface ListedPool {
  /** A session is there. */
  readonly ready: boolean
  /** b32 addresses of the proxy itself. */
  own: () => readonly string[]
  has: (b32: string) => boolean
  add: (b32: string, destination: Destination) => void
  remove: (b32: string) => void
  /** Exits of the pool, and since when they are silent, epoch ms. */
  silences: () => ReadonlyArray<{ id: string, silentSince: number | undefined }>
  /** ms: the router's time minus ours. */
  clockOffset: () => number
}

/** A list, for the console. */
export interface Subscription {
  readonly url: string
  state: 'never' | 'kept' | 'read' | 'failed'
  exits: number
  refused: number
  /** Of the list in use, epoch ms. */
  readAt?: number
  /** Why it did not come, or what is wrong with it. */
  problem?: string
}

interface Subscribed extends Subscription {
  etag: { value: string, for: string } | undefined
  nextAt: number
  failures: number
  isAsked: boolean
}

/** Subscribes to lists of exits, asks those that the directory draws, and keeps the pool as the directory says. */
export class ExitLists {
  readonly directory: ExitDirectory
  /** Secret by which sites get their exits. */
  #salt = randomBytes(16).toString('hex')
  readonly #options: ExitListsOptions
  readonly #store: ListStore
  readonly #lists: Subscribed[]
  readonly #added = new Set<string>()
  /** Of lists as they were kept, until what was drawn last time is known: one for each list. */
  readonly #kept: Array<() => void> = []
  /** Exits to be asked once there is a session. */
  readonly #unasked = new Set<string>()
  readonly #abort = new AbortController()
  readonly #arrivals: Readiness
  #timer: Timer | undefined
  #readySince = Infinity
  /** When the first list came. */
  #firstAt = Infinity
  #saved = ''
  #closed = false

  constructor (options: ExitListsOptions) {
    this.#options = options
    const { urls, agree, random = randomInt, logger, stateDirectory } = options
    this.directory = new ExitDirectory({ agree, random })
    this.directory.hold()
    this.#store = new ListStore(stateDirectory, logger)
    this.#lists = [...new Set(urls)].map(url => ({
      url, state: 'never', exits: 0, refused: 0, etag: undefined, nextAt: 0, failures: 0, isAsked: false
    }))
    for (const { url } of this.#lists) this.directory.subscribe(url, new URL(url).host)
    this.directory.exclude(this.#now, options.own ?? [])
    this.#arrivals = new Readiness(() => !this.isLooking)
  }

  get salt (): string { return this.#salt }
  get subscriptions (): readonly Subscription[] { return this.#lists }
  get waiting (): number { return this.#arrivals.waiting }

  /** Added to the pool by the lists, and not by the user. */
  isListed (id: string): boolean { return this.#added.has(id) }

  /** No exit of a list is in the pool yet, and one may come soon. */
  get isLooking (): boolean {
    if (this.#closed || this.#added.size > 0) return false
    if (this.#options.clock.now() - this.#readySince > LOOKING) return false
    const isAsking = [...this.directory.chosen.values()].some(({ isAsked }) => isAsked)
    return isAsking || this.#lists.some(({ state, isAsked, failures }) => isAsked || (state !== 'read' && failures < PATIENCE))
  }

  /** Waits for the first exit of a list, if one may come soon. */
  async wait (timeout: number, signal: AbortSignal): Promise<void> { await this.#arrivals.wait(timeout, signal) }

  /** Reads what was kept. */
  async load (): Promise<void> {
    const choice = await this.#store.readChoice()
    if (choice !== undefined && /^[0-9a-f]{32}$/.test(choice.salt)) this.#salt = choice.salt
    for (const list of this.#lists) {
      const stored = await this.#store.readList(list.url)
      if (stored === undefined) continue
      const read = await this.#read(stored.text).catch(() => undefined)
      if (read === undefined) continue
      Object.assign(list, { state: 'kept', exits: read.statements.length, refused: read.refused, readAt: stored.at })
      // Nothing is drawn before it is known what was drawn last time.
      this.#kept.push(() => { this.directory.update(this.#now, list.url, stored.owner, read.statements) })
    }
    if (choice !== undefined) {
      const { pinned, banned } = choice
      const chosen = choice.chosen.flatMap(({ line, until }) => verifiedAt(line, this.#now).map(one => ({ ...one, until })))
      // The user's choice does not expire.
      this.directory.restore(this.#now, chosen, pinned.flatMap(line => verifiedAt(line)), banned)
    }
    for (const update of this.#kept.splice(0)) update()
    const { agree, publishers } = this.directory
    if (agree === 1) {
      this.#options.logger?.warn(
        { lists: publishers.length },
        'each list alone can name exits: subscribe to three or more, and two must agree'
      )
    }
  }

  /** A session came, or came back: everything is due that could not be done without one. */
  wake (): void {
    if (this.#closed || !this.#options.pool.ready) return
    if (this.#readySince === Infinity) this.#readySince = this.#options.clock.now()
    for (const list of this.#lists) if (list.state !== 'read') list.nextAt = 0
    for (const b32 of [...this.#unasked]) {
      this.#unasked.delete(b32)
      const one = this.directory.chosen.get(b32)
      if (one !== undefined) this.#ask(b32, one.destination).catch(() => {})
    }
    this.directory.exclude(this.#now, [...this.#options.own ?? [], ...this.#options.pool.own()])
    this.#tick()
  }

  /** What the user decides about an exit of a list. */
  decide (what: 'pin' | 'unpin' | 'ban' | 'unban', b32: string): boolean {
    const done = {
      pin: () => this.directory.pin(this.#now, b32),
      unpin: () => this.directory.unpin(b32),
      ban: () => this.directory.ban(this.#now, b32),
      unban: () => this.directory.unban(b32)
    }[what]()
    if (done && what === 'ban' && this.#options.pool.has(b32)) this.#options.pool.remove(b32)
    this.#work()
    return done
  }

  async close (): Promise<void> {
    this.#closed = true
    this.#timer?.clear()
    this.#abort.abort()
    this.#arrivals.end()
    await this.#saveChoice()
    await this.#store.flush()
  }

  get #now (): number { return this.#options.clock.now() + this.#options.pool.clockOffset() }

  #tick (): void {
    if (this.#closed) return
    const { clock, pool } = this.#options
    if (pool.ready) {
      const now = clock.now()
      for (const list of this.#lists) if (!list.isAsked && now >= list.nextAt) this.#fetch(list).catch(() => {})
      this.#replaceSilent()
    }
    this.directory.handleTimeout(this.#now)
    this.#settle()
    this.#work()
    this.#arm()
  }

  /** The first draw: among all lists that come in time. */
  #settle (): void {
    const isWhole = this.#lists.every(({ state }) => state !== 'never')
    if (isWhole || this.#options.clock.now() - this.#firstAt >= GRACE) this.directory.release(this.#now)
  }

  /** Not before the next list is due. */
  #arm (): void {
    this.#timer?.clear()
    if (this.#closed) return
    const { clock } = this.#options
    const grace = this.directory.isHeld ? this.#firstAt + GRACE : Infinity
    const due = Math.min(grace, ...this.#lists.map(({ isAsked, nextAt }) => isAsked ? Infinity : nextAt)) - clock.now()
    this.#timer = clock.setTimer(() => this.#tick(), Math.min(TICK, Math.max(MIN_TICK, due)))
  }

  /** One whose path is gone does not come back by waiting; where all are silent it is us. */
  #replaceSilent (): void {
    const { clock, pool } = this.#options
    const silences = pool.silences()
    if (!silences.some(({ silentSince }) => silentSince === undefined)) return
    for (const { id, silentSince = Infinity } of silences) if (clock.now() - silentSince > SILENT) this.directory.silent(this.#now, id)
  }

  /** Carries out what the directory wants. */
  #work (): void {
    for (let action = this.directory.pollAction(); action !== undefined; action = this.directory.pollAction()) this.#do(action)
    this.#saveChoice().catch(() => {})
    this.#arrivals.changed()
  }

  #do (action: Action): void {
    const { pool, logger } = this.#options
    const { b32 } = action
    switch (action.do) {
      case 'ask':
        this.#ask(b32, action.destination).catch(() => {})
        return
      case 'use':
        if (pool.has(b32)) return
        try {
          pool.add(b32, action.destination)
        } catch (error) {
          logger?.warn({ exit: b32, err: error }, 'the pool has no room for an exit of the lists')
          return
        }
        this.#added.add(b32)
        logger?.info({ exit: b32, lists: this.directory.namedBy(b32).length }, 'an exit of the lists is used')
        return
      case 'leave':
        if (!this.#added.delete(b32)) return
        pool.remove(b32)
        logger?.info({ exit: b32, because: LEAVING[action.because] }, 'an exit of the lists is not used any more')
    }
  }

  async #ask (b32: string, destination: Destination): Promise<void> {
    // Without a session it would fail whatever it is.
    if (!this.#options.pool.ready) {
      this.#unasked.add(b32)
      return
    }
    try {
      const verified = await this.#options.ask(destination, ASK_TIMEOUT)
      if (this.#closed) return
      this.directory.checked(this.#now, verified)
    } catch (error) {
      if (this.#closed) return
      this.#options.logger?.debug({ exit: b32, err: error }, 'an exit of the lists did not say what it is')
      this.directory.failed(this.#now, b32)
    }
    this.#work()
  }

  async #fetch (list: Subscribed): Promise<void> {
    const { fetchList, logger, pool, clock, random = randomInt } = this.#options
    list.isAsked = true
    const [own = ''] = pool.own()
    try {
      // What it calls its list would let it know us again under another Destination.
      const fetched = await fetchList(list.url, list.etag?.for === own ? list.etag.value : undefined, this.#abort.signal)
      if (fetched.kind === 'list') await this.#take(list, fetched, own)
      if (this.#closed) return
      list.state = 'read'
      list.failures = 0
      list.readAt = clock.now()
      list.nextAt = clock.now() + DAY * (1 - SPREAD + 2 * SPREAD * random(1_000) / 1_000)
    } catch (error) {
      if (this.#closed) return
      const reason = error instanceof Error ? error.message : String(error)
      list.problem = reason.slice(0, 200)
      list.nextAt = clock.now() + Math.min(MAX_RETRY, RETRY * 2 ** Math.min(20, list.failures++))
      if (list.state !== 'read') list.state = 'failed'
      // Said once, and again when it has gone on for long.
      if (list.failures === 1 || list.failures % 10 === 0) {
        logger?.warn({ list: list.url, reason: list.problem }, 'a list of exits did not come; what is known stays')
      }
    } finally {
      list.isAsked = false
      this.#settle()
      this.#work()
      this.#arm()
    }
  }

  async #take (
    list: Subscribed, { owner, text, etag }: { owner: string, text: string, etag: string | undefined }, own: string
  ): Promise<void> {
    const { logger, clock } = this.#options
    const { statements, refused, problems } = await this.#read(text)
    if (this.#closed) return
    const before = this.directory.publishers.find(({ url }) => url === list.url)?.named.size ?? 0
    const change = this.directory.update(this.#now, list.url, owner, statements)
    this.#firstAt = Math.min(this.#firstAt, clock.now())
    const facts = { list: list.url, ...change, refused }
    if (before >= MANY && change.gone >= MOST * before) {
      logger?.warn(facts, 'a list has changed almost everything at once; exits in use stay')
    } else logger?.info(facts, 'list of exits read')
    list.etag = etag === undefined ? undefined : { value: etag, for: own }
    list.exits = change.exits
    list.refused = refused
    delete list.problem
    if (refused > 0) list.problem = `${refused} lines refused; line ${problems[0]?.line ?? 0}: ${problems[0]?.reason ?? ''}`.slice(0, 200)
    this.#work()
    this.#store.saveList(list.url, { owner, at: clock.now(), text }).catch(() => {})
  }

  /** In slices, so that nothing waits for thousands of signatures. */
  async #read (text: string): Promise<ReadList> {
    const reading = readList(text, this.#now)
    for (;;) {
      const { done, value } = reading.next()
      if (done === true) return value
      await turn()
    }
  }

  async #saveChoice (): Promise<void> {
    const { chosen, pinned, banned } = this.directory
    const choice = {
      salt: this.#salt,
      chosen: [...chosen.values()].filter(({ state }) => state === 'used').map(({ descriptor: { line }, until }) => ({ line, until })),
      pinned: [...pinned.values()].map(({ line }) => line),
      banned: [...banned]
    }
    const text = JSON.stringify(choice)
    if (text === this.#saved) return
    this.#saved = text
    await this.#store.saveChoice(choice)
  }
}

/** Without a time, by that of the line itself. */
function verifiedAt (line: string, now?: number): Verified[] {
  try {
    return [verifyStatement(line, now ?? parseStatement(line).statement.date * 1_000)]
  } catch {
    return []
  }
}

const LEAVING: Readonly<Record<Leaving, string>> = {
  expired: 'what it says of itself has expired',
  revoked: 'it has revoked itself',
  banned: 'it is banned',
  silent: 'it is silent',
  closed: 'it fetches nothing of the web any more',
  turn: 'its place was drawn anew',
  own: 'it is your own'
}
