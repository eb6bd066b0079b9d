import { PROTOCOL } from '@minwww/i2cp/codec'
import type { LocalDestination } from '@minwww/i2cp/codec'
import {
  decodeMessage, INCARNATION, peekPrefix, PREFIX, ProtocolError, PUSH_IDS, sessionKeys, VERSION, wireBytes
} from '@minwww/protocol'
import type { Part, ReportMessage, TaggedMessage, WireErrorName } from '@minwww/protocol'
import { DEFAULT_CONFIG } from './config.ts'
import type { ServerConfig } from './config.ts'
import { Egress } from './egress.ts'
import { Executions } from './executions.ts'
import { RequestHandler } from './request-handler.ts'
import { OpenVerifier } from './open-verifier.ts'
import { SendQueue } from './send-queue.ts'
import { Session } from './session.ts'
import { SessionTable } from './session-table.ts'
import { emptyStats } from './types.ts'
import type { FailureFacts, Incoming, Outgoing, PromisedPush, ServerEvent, ServerStats } from './types.ts'

export interface ServerCoreOptions {
  /** The exit's own Destination. */
  keys: LocalDestination
  /** Tells this start of the exit from all others, so it must not repeat itself. */
  random: (n: number) => Uint8Array
  config?: Partial<ServerConfig>
  /** ms that the router's clock is ahead of `now`. */
  clockOffset?: () => number
  /** ms on the core's clock at which it starts; the limits are full then. */
  now?: number
}

/**
 * The exit without I/O (sections 4 to 8): OPEN, sessions, dedupe, symbols, pacing. Its clock is epoch milliseconds,
 * given with every call. Drive it with `receive` and `handleTimeout`, then take what `pollEvent` and `pollTransmit`
 * have, until both are undefined, and come back at `nextTimeout`.
 */
export class ServerCore {
  readonly stats: ServerStats = emptyStats()
  readonly #config: ServerConfig
  readonly #sessions: SessionTable
  readonly #verifier: OpenVerifier
  readonly #sendQueue: SendQueue
  readonly #egress = new Egress()
  readonly #executions: Executions
  readonly #requests: RequestHandler
  #now: number

  constructor ({ keys, random, config, clockOffset = () => 0, now = 0 }: ServerCoreOptions) {
    this.#config = { ...DEFAULT_CONFIG, ...config }
    this.#now = now
    this.#sessions = new SessionTable(this.#config)
    this.#sendQueue = new SendQueue(now, this.#config)
    const incarnation = Buffer.from(random(INCARNATION))
    this.#executions = new Executions(now, incarnation, this.#config, clockOffset)
    this.#requests = new RequestHandler(now, {
      config: this.#config, stats: this.stats, sendQueue: this.#sendQueue, executions: this.#executions, incarnation
    })
    this.#verifier = new OpenVerifier(now, { keys, config: this.#config, sessions: this.#sessions, stats: this.stats, clockOffset })
  }

  /** Nothing is being fetched and nothing waits to be sent. */
  get idle (): boolean {
    return this.#requests.load.fetches === 0 && this.#sendQueue.isEmpty
  }

  /**
   * Sizes of the tables, for metrics; `held` (answers remembered) and `queued` (answers that wait to be sent) in bytes,
   * `sending` is the number of the latter.
   */
  get load (): Record<'sessions' | 'fetches' | 'requests' | 'pushes' | 'tokens' | 'held' | 'queued' | 'sending', number> {
    return {
      sessions: this.#sessions.size,
      ...this.#requests.load,
      tokens: this.#executions.size,
      queued: this.#sendQueue.held,
      sending: this.#sendQueue.waitingAnswers
    }
  }

  /** One payload from the router; anything that is not a valid message of a known client is dropped without an answer. */
  receive (now: number, message: Incoming): void {
    this.#now = now
    if (message.protocol === PROTOCOL.DATAGRAM2) this.#receiveOpen(now, message)
    else if (message.protocol === PROTOCOL.RAW) this.#receiveRaw(now, message)
  }

  /**
   * The HTTP response for a 'fetch' event, or the beginning of one that goes on over a stream. One that is too large for
   * the client, or than `most` bytes as it is sent, becomes ERROR 3. Returns its bytes as they are sent; 0 if nothing is, and no stream comes.
   */
  respond (now: number, handle: number, message: Buffer, part: Part = 'whole', most = Infinity): number {
    this.#now = now
    return this.#requests.respond(now, handle, message, part, most)
  }

  /**
   * While a 'fetch' event with `push` is being answered: ids for up to `count` resources that its client will need, each with
   * a handle to `respond` to. Promises of these ids stand in front of the answer.
   */
  promise (now: number, handle: number, count: number): PromisedPush[] {
    this.#now = now
    return this.#requests.promise(now, handle, count)
  }

  /** Bytes that leave at once by now of what a 'fetch' event asked for, behind so many of its client's that are about to be sent. */
  atOnce (handle: number, ahead: number): number {
    const session = this.#requests.sessionOf(handle)
    return session === undefined ? 0 : this.#sendQueue.leftAtOnce(session, ahead)
  }

  /** The ERROR for a 'fetch' event. */
  fail (now: number, handle: number, code: WireErrorName, facts: FailureFacts = {}): void {
    this.#now = now
    this.#requests.fail(now, handle, code, facts)
  }

  /** From now on new requests get ERROR 10; what is under way goes on. */
  drain (now: number): void {
    this.#now = now
    this.#requests.drain()
  }

  /** Other limits of the operator from now on. */
  setLimits (now: number, limits: Pick<ServerConfig, 'limit' | 'serverRate' | 'maxBacklog'>): void {
    this.#now = now
    this.#sendQueue.setLimits(now, limits)
  }

  /** When to call `handleTimeout` and `pollTransmit` again; undefined when there is nothing to wait for. */
  nextTimeout (): number | undefined {
    const times = [
      this.#sendQueue.nextTimeout(this.#now), this.#requests.nextTimeout(), this.#sessions.nextTimeout(), this.#verifier.nextTimeout(),
      this.#egress.nextTimeout()
    ].filter(time => time !== undefined)
    return times.length === 0 ? undefined : Math.min(...times)
  }

  handleTimeout (now: number): void {
    this.#now = now
    this.#requests.handleTimeout(now)
    this.#verifier.handleTimeout(now)
    this.#egress.handleTimeout(now)
    this.#sendQueue.setCarried(now, this.#egress.limit)
    for (const session of this.#sessions.expired(now)) this.#end(session)
  }

  /** The next message that may leave now. */
  pollTransmit (now: number): Outgoing | undefined {
    this.#now = now
    const next = this.#sendQueue.poll(now)
    if (next === undefined) return undefined
    const { session, payload } = next
    session.answered(now)
    this.#egress.sent(now, session, wireBytes(payload.length))
    this.stats.symbols++
    this.stats.bytesSent += payload.length
    return {
      source: 0,
      to: session.destination,
      protocol: PROTOCOL.RAW,
      fromPort: session.ports.own,
      toPort: session.ports.client,
      payload,
      expires: now + this.#config.expiry
    }
  }

  pollEvent (): ServerEvent | undefined {
    return this.#requests.pollEvent()
  }

  #receiveOpen (now: number, message: Incoming): void {
    const verified = this.#verifier.admit(now, message.payload)
    if (verified === undefined || this.#isForeign(verified.open)) return
    this.stats.opens++
    let { session } = verified
    if (session === undefined) {
      session = new Session(now, verified.from, sessionKeys(verified.open.key), this.#config, this.#sessions.peerOf(verified.from))
      for (const other of this.#sessions.add(session)) this.#evict(other)
    }
    this.#heard(now, session, message, false)
    this.#requests.request(now, session, verified.open, verified.entry)
  }

  #receiveRaw (now: number, message: Incoming): void {
    const prefix = peekPrefix(message.payload)
    if (prefix === undefined || prefix.version !== VERSION || message.payload.length < PREFIX) {
      this.stats.malformed++
      return
    }
    const session = this.#sessions.find(prefix.session.toString('hex'))
    if (session === undefined) {
      this.stats.unknownSessions++
      return
    }
    const decoded = this.#decode(message.payload, session)
    if (decoded === undefined) return
    this.#heard(now, session, message, true)
    this.#dispatch(now, session, decoded)
  }

  #decode (payload: Buffer, session: Session): TaggedMessage | undefined {
    try {
      return decodeMessage(payload, session.keys.client)
    } catch (error) {
      if (error instanceof ProtocolError && error.code === 'MINWWW_BAD_TAG') this.stats.badTags++
      else this.stats.malformed++
      return undefined
    }
  }

  /** A request under an id of ours: it is dropped. */
  #isForeign ({ id }: { id: number }): boolean {
    if (id < PUSH_IDS) return false
    this.stats.malformed++
    return true
  }

  #dispatch (now: number, session: Session, message: TaggedMessage): void {
    if ((message.type === 'request' || message.type === 'body') && this.#isForeign(message)) return
    switch (message.type) {
      case 'request':
        this.stats.requests++
        return this.#requests.request(now, session, message)
      case 'want': return this.#requests.want(now, session, message)
      case 'cancel': return this.#requests.cancel(now, session, message)
      case 'body': return this.#requests.body(now, session, message)
      case 'report': return this.#report(now, session, message)
      case 'reply':
      case 'push':
      case 'working':
      case 'error': this.stats.malformed++ // only an exit sends these
    }
  }

  /** Of two the newer one counts, whichever comes first. */
  #report (now: number, session: Session, message: ReportMessage): void {
    if (!session.takeReport(message.id)) {
      this.stats.replayed++
      return
    }
    this.#requests.report(now, session, message)
    this.#egress.reported(now, session, message)
    this.#sendQueue.setCarried(now, this.#egress.limit)
  }

  #heard (now: number, session: Session, { fromPort, toPort }: Incoming, isUse: boolean): void {
    session.heard(now, fromPort, toPort)
    this.#evict(this.#sessions.touch(session, isUse))
  }

  #evict (session: Session | undefined): void {
    if (session === undefined) return
    this.stats.evicted++
    this.#requests.drop(session)
  }

  #end (session: Session): void {
    this.#sessions.remove(session)
    this.#requests.drop(session)
  }
}
