import type { Destination, LocalDestination } from '@minwww/i2cp/codec'
import { encodeObject, MAX_OBJECT } from '@minwww/protocol'
import { HedgeBudget } from '../pool/hedge-budget.ts'
import { ExitPool } from '../pool/pool.ts'
import { DEFAULT_CONFIG } from './config.ts'
import type { ClientConfig } from './config.ts'
import { Confirmations } from './confirmations.ts'
import { ClientContext } from './context.ts'
import { Dispatcher } from './dispatcher.ts'
import type { DispatcherParts } from './dispatcher.ts'
import { Exit } from './exit.ts'
import { Outcomes } from './outcomes.ts'
import { PoolPatience } from './pool-patience.ts'
import { Queues } from './queues.ts'
import { Receiver } from './receiver.ts'
import { Recovery } from './recovery.ts'
import { ClientRequest } from './request.ts'
import type { ProbeKind, Purpose } from './request.ts'
import { Sender } from './sender.ts'
import { SessionTable } from './session-table.ts'
import { Sources } from './sources.ts'
import { askedOf } from './asked.ts'
import { Pairs } from './pairs.ts'
import { PushGate } from './push-gate.ts'
import { Pushes } from './pushes.ts'
import { clientState, restoreExit } from './state.ts'
import type { ClientState } from './state.ts'
import { TransferTable } from './transfer-table.ts'
import type { ClientEvent, ClientStats, ExitStatus, Incoming, Outgoing, RequestOptions } from './types.ts'

/** Of a probe, and of one to an exit that has answered before. */
const PROBE_ATTEMPTS = 4
const KNOWN_PROBE_ATTEMPTS = 3
/** Of one that asks over one pair. */
const PAIR_ATTEMPTS = 2
/** Total time of a probe, ms. */
const PROBE_DEADLINE = 60_000

export interface ClientCoreOptions {
  /** Own Destinations with their keys, 1 or 2; the second is for retries where there is only one exit. */
  keys: LocalDestination[]
  random: (length: number) => Uint8Array
  config?: Partial<ClientConfig>
  /** ms that the router's clock is ahead of ours. */
  clockOffset?: () => number
}

/**
 * The client's side of MinWWW without I/O: give it HTTP requests and received payloads, send what `pollTransmit`
 * returns, call `handleTimeout` at `nextTimeout`, take events from `pollEvent`. Times are ms, epoch-based and never go
 * backwards. Sections 3 to 8 of docs/reference/protocol.md.
 */
export class ClientCore {
  readonly #context: ClientContext
  readonly #pool: ExitPool
  readonly #exits = new Map<string, Exit>()
  /** Exits of sites by hash, least recently used first. */
  readonly #sites = new Map<string, Exit>()
  readonly #requests = new Map<number, ClientRequest>()
  readonly #queues: Queues
  readonly #sessions: SessionTable
  readonly #sources: Sources
  readonly #patience: PoolPatience
  readonly #dispatcher: Dispatcher
  readonly #recovery: Recovery
  readonly #receiver: Receiver
  readonly #pushes: Pushes
  readonly #gate = new PushGate()
  readonly #confirmations = new Confirmations()
  readonly #saved = new Map<string, unknown>()
  #handles = 0

  constructor (o: ClientCoreOptions) {
    const config = { ...DEFAULT_CONFIG, ...o.config }
    const context = new ClientContext({ config, keys: o.keys, random: o.random, clockOffset: o.clockOffset ?? (() => 0) })
    const transfers = new TransferTable()
    const sessions = new SessionTable(o.random, transfers)
    this.#context = context
    this.#pool = new ExitPool(config.strategy, config.salt)
    this.#queues = new Queues(this.#pool, this.#exits)
    this.#sessions = sessions
    this.#sources = new Sources(o.keys.length, source => sessions.heardAt(source))
    this.#patience = new PoolPatience(this.#exits)
    const confirmations = this.#confirmations
    const sender = new Sender(context, transfers, confirmations, (now, request, exit, session) => this.#pushes.grant(now, request, exit, session))
    const parts: DispatcherParts = {
      context,
      sender,
      sessions,
      transfers,
      sources: this.#sources,
      pool: this.#pool,
      queues: this.#queues,
      exits: this.#exits,
      requests: this.#requests,
      pairs: new Pairs({
        exits: this.#exits, sources: this.#sources, count: o.keys.length, probe: (now, exit, source, why) => this.#probe(now, exit, source, why)
      }),
      patience: this.#patience,
      hedges: new HedgeBudget(config.hedgeBudget),
      confirmations,
      probe: (now, exit, source, why) => this.#probe(now, exit, source, why),
      promised: (now, transfer, request, promises, status) => {
        this.#pushes.promised(now, transfer, request, promises, status >= 300 && status < 400)
      },
      left: request => this.#pushes.left(request)
    }
    this.#dispatcher = new Dispatcher(parts)
    this.#pushes = new Pushes({ context, dispatcher: this.#dispatcher, sender, gate: this.#gate, requests: this.#requests })
    this.#recovery = new Recovery(parts, this.#dispatcher, this.#pushes)
    const outcomes = new Outcomes(parts, this.#dispatcher, this.#recovery)
    this.#receiver = new Receiver({ context, sessions, transfers, outcomes, sender, confirmations, pushes: this.#pushes })
  }

  /** How much of what comes before it is asked for is used, by site. */
  get gate (): PushGate {
    return this.#gate
  }

  get config (): Readonly<ClientConfig> {
    return this.#context.config
  }

  get stats (): Readonly<ClientStats> {
    return this.#context.stats
  }

  /** Sizes of the tables. */
  get load (): { requests: number, exits: number, sites: number, pins: number, queued: number, pushes: number, pushed: number, gates: number } {
    return {
      requests: this.#requests.size,
      exits: this.#exits.size,
      sites: this.#sites.size,
      pins: this.#pool.pins,
      queued: this.#context.outgoing.length,
      pushes: this.#pushes.size,
      pushed: this.#pushes.held,
      gates: this.#gate.size
    }
  }

  /** Adds an exit to the pool and probes it. An id that is there already, or one too many, changes nothing. */
  addExit (now: number, o: { id: string, destination: Destination }): void {
    if (this.#exits.has(o.id) || !this.#pool.add(o.id, () => this.#pendingAt(exit))) return
    const exit: Exit = new Exit(o.id, o.destination, this.#context.config, this.#pool.member(o.id)!)
    this.#exits.set(o.id, exit)
    restoreExit(exit, this.#saved.get(o.id))
    this.#probe(now, exit)
  }

  /** A stream to this exit has failed: a probe shows whether it is there. */
  suspectExit (now: number, id: string): void {
    const exit = this.#exits.get(id)
    if (exit === undefined) return
    const isLast = exit.isSuspect && !this.#pool.hasOther(now, new Set([id]))
    if (isLast || !exit.member.isOnProbation()) this.#probe(now, exit)
  }

  /** A stream from this exit has carried so much, bytes/s of whole tunnel messages: so do messages. */
  streamCarried (now: number, id: string, rate: number): void {
    this.#exits.get(id)?.path.carried(now, rate)
  }

  /** A stream from this exit brings something. */
  streamHeard (now: number, id: string): void {
    this.#exits.get(id)?.streamed(now)
  }

  /** Its requests go on elsewhere, if they may. */
  removeExit (now: number, id: string): void {
    const exit = this.#exits.get(id)
    if (exit === undefined) return
    this.#exits.delete(id)
    this.#pool.remove(id)
    this.#recovery.abandonExit(now, exit)
    this.#pushes.forgetWhere(now, push => push.exit === exit)
    this.#sessions.forget(exit)
    this.#confirmations.forgetExit(exit)
  }

  exits (now = 0): ExitStatus[] {
    return [...this.#exits.values()].map(exit => exit.status(now, this.#queues.lengthAt(exit)))
  }

  /**
   * Starts a request. Exactly one event with the handle follows, `response` or `failed`, unless it is cancelled; before it
   * come `begins`.
   * An object of 128 KiB fails with `request-too-large`, one above `maxRequests` with `overloaded`.
   */
  request (now: number, r: RequestOptions): number {
    const handle = ++this.#handles
    const { config, stats } = this.#context
    stats.requests++
    const request = new ClientRequest({
      handle,
      purpose: r.destination === undefined ? { kind: 'pool' } : { kind: 'direct', exit: this.#site(r.destination) },
      site: r.site,
      object: encodeObject(r.message, { kind: 'request' }),
      idempotent: r.idempotent,
      now,
      deadline: now + (r.timeout ?? config.deadline),
      isPage: r.isPage === true,
      plainGet: config.pushBudget > 0 && r.idempotent ? askedOf(r.message, r.referer, r.isPage === true) : undefined,
      mayArrive: r.mayArrive === true,
      attempts: config.maxAttempts
    })
    this.#patience.begin(now, request)
    const isTooMany = this.#requests.size >= config.maxRequests
    this.#requests.set(handle, request)
    if (isTooMany) this.#dispatcher.fail(now, request, { code: 'overloaded' })
    else if (request.length >= MAX_OBJECT) this.#dispatcher.fail(now, request, { code: 'request-too-large' })
    else if (!this.#pushes.serve(now, request)) {
      this.#pushes.loads(now, request)
      this.#dispatcher.start(now, request)
    }
    if (this.#patience.isOver(now)) this.#dispatcher.probeUnheard(now, now)
    return handle
  }

  /** Whether a site's own exit has told its incarnation; if not, it is probed, so that it will. */
  takesOnce (now: number, destination: Destination): boolean {
    const exit = this.#site(destination)
    if (exit.incarnation === undefined) this.#probe(now, exit)
    return exit.incarnation !== undefined
  }

  /** Nobody waits for it any more: exits are told, and no event follows. */
  cancel (now: number, handle: number): void {
    const request = this.#requests.get(handle)
    if (request !== undefined) this.#dispatcher.end(now, request)
  }

  /** Something was changed at a site, `host` with its port: what exits have sent of it before is old. */
  changed (now: number, host: string): void {
    this.#pushes.forgetSite(now, host)
  }

  /**
   * A payload for our Destination `source`. Anything that is not a genuine answer is counted and ignored.
   * @returns whether an exit has sent it
   */
  receive (now: number, source: number, message: Incoming): boolean {
    this.#context.stats.messagesReceived++
    return this.#receiver.receive(now, source, message)
  }

  /**
   * Our Destination `source` can neither send nor receive. What it has under way starts anew, from another one or after
   * `resume`; what must not be fetched twice fails if it was sent already. Requests wait up to their deadlines.
   */
  suspend (now: number, source: number): void {
    this.#sources.suspend(source)
    this.#sessions.forgetSource(source)
    this.#confirmations.forgetSource(source)
    this.#recovery.abandonSource(now, source)
    this.#pushes.forgetWhere(now, ({ session }) => session.source === source)
  }

  /**
   * It can again, under the same or under new keys. Exits get an OPEN; what is known of their paths and health stays.
   * Until the first of them has answered no request runs out of attempts.
   */
  resume (now: number, source: number, keys: LocalDestination): void {
    if (this.#context.keys[source] === undefined) return
    this.#context.replaceKeys(source, keys)
    this.#sessions.forgetSource(source)
    this.#confirmations.forgetSource(source)
    this.#sources.resume(now, source)
    this.#pushes.forgetWhere(now, ({ session }) => session.source === source)
    const held = [...this.#requests.values()].filter(({ waiting }) => waiting.kind === 'source')
    for (const request of held) this.#dispatcher.start(now, request)
    for (const exit of this.#exits.values()) {
      // What asks a silent exit now goes from where it may not be heard.
      if (exit.member.isOnProbation()) this.#recovery.endProbe(now, exit)
      // One that is well goes on being asked from where it is.
      const isElsewhere = this.#exits.size > 1 && exit.source !== source && exit.state(now) === 'ready'
      const isWell = isElsewhere && this.#sources.canSend(exit.source) && !exit.isDeafTo(now, exit.source)
      this.#probe(now, exit, source, isWell ? 'idle' : 'health')
    }
  }

  /** An own Destination from where something was asked for in vain, if nothing came to it meanwhile: its paths may be dead. Once each time. */
  takeUnheard (): number | undefined {
    return this.#sources.takeUnheard()
  }

  nextTimeout (): number | undefined {
    return this.#recovery.nextTimeout()
  }

  handleTimeout (now: number): void {
    this.#recovery.handleTimeout(now)
  }

  pollTransmit (_now: number): Outgoing | undefined {
    return this.#context.outgoing.shift()
  }

  pollEvent (): ClientEvent | undefined {
    return this.#context.events.shift()
  }

  /** What is worth keeping over a restart: health and measured paths, no keys. */
  toJSON (): ClientState {
    return { ...clientState(this.#pool, this.#exits.values()), gates: this.#gate.toJSON() }
  }

  /** Takes up saved state for the exits added so far and later. Broken state is ignored. */
  restore (state: unknown): void {
    const saved = state as Partial<ClientState> | null
    if (typeof saved !== 'object' || saved === null || saved.version !== 1) return
    this.#pool.restore(saved.pool)
    this.#gate.restore(saved.gates)
    for (const path of Array.isArray(saved.paths) ? saved.paths.slice(0, 256) : []) {
      if (typeof path?.id !== 'string') continue
      this.#saved.set(path.id, path)
      const exit = this.#exits.get(path.id)
      if (exit !== undefined) restoreExit(exit, path)
    }
  }

  /** Opens the session and measures the path with an empty request. */
  #probe (now: number, exit: Exit, source?: number, why: ProbeKind = 'health'): void {
    const isProbed = source === undefined || this.#exits.size < 2 ? exit.isProbed : exit.isProbedFrom(source)
    if (isProbed || this.#requests.size >= this.#context.config.maxRequests || this.#sources.usable(0) === undefined) return
    const purpose: Purpose = { kind: 'probe', exit, source: source ?? exit.source, why }
    const request = new ClientRequest({
      handle: ++this.#handles,
      purpose,
      site: '',
      object: Buffer.alloc(0),
      idempotent: true,
      now,
      deadline: now + PROBE_DEADLINE,
      isPage: false,
      mayArrive: false,
      // Where the round trip is known the last waits are long: a fresh probe finds sooner that it is back.
      attempts: Math.min(this.#context.config.maxAttempts, attemptsOf(exit, why))
    })
    exit.probeBegins(now, purpose.source)
    if (source !== undefined) request.comesFrom(source)
    this.#requests.set(request.handle, request)
    this.#dispatcher.start(now, request)
  }

  /** What an exit has yet to answer, and what waits for it. */
  #pendingAt (exit: Exit): number {
    return exit.transfers + this.#queues.lengthAt(exit)
  }

  #site (destination: Destination): Exit {
    const id = destination.b32
    const present = this.#exits.get(id) ?? this.#sites.get(id)
    this.#sites.delete(id)
    const exit = present ?? new Exit(id, destination, this.#context.config)
    this.#sites.set(id, exit)
    if (this.#sites.size > this.#context.config.maxSites) {
      const oldest = [...this.#sites.values()].find(site => this.#pendingAt(site) === 0 && site !== exit)
      if (oldest !== undefined) {
        this.#sites.delete(oldest.id)
        this.#sessions.forget(oldest)
        this.#confirmations.forgetExit(oldest)
      }
    }
    return exit
  }
}

function attemptsOf (exit: Exit, why: ProbeKind): number {
  if (why === 'pair' || why === 'idle') return PAIR_ATTEMPTS
  return exit.path.rtt.hasSample ? KNOWN_PROBE_ATTEMPTS : PROBE_ATTEMPTS
}
