import type { Destination } from '../../data/destination.ts'
import type { Lease } from '../../data/lease.ts'
import { signSessionConfig } from '../../data/session-config.ts'
import type { Mapping } from '../../data/mapping.ts'
import { I2cpError } from '../../errors.ts'
import { decodeMessage, encodeMessage, PROTOCOL_BYTE } from '../../messages/frame.ts'
import type { Bandwidth } from '../../messages/bandwidth-limits.ts'
import type { BlindingDetails } from '../../messages/blinding-info.ts'
import type { LookupKey } from '../../messages/host-lookup.ts'
import type { MessagePayload } from '../../messages/message-payload.ts'
import { MESSAGE_STATUS } from '../../messages/message-status.ts'
import { SESSION_STATUS, type SessionStatus } from '../../messages/session-status.ts'
import type { Message } from '../../messages/table.ts'
import { TYPE } from '../../messages/types.ts'
import { MAX_PAYLOAD } from '../../sizes.ts'
import { CLIENT_VERSION, EARLY_LEASE_SET_DELAY, optionsFor, type Quirks, type RouterKind } from '../quirks.ts'
import { Attempts, dismissal, type Refusal } from './attempts.ts'
import type { SessionCoreConfig } from './config.ts'
import { emptyStats, type SessionEvent, type SessionState, type SessionStats } from './events.ts'
import { LeaseSetMaker } from './lease-sets.ts'
import { Liveness } from './liveness.ts'
import { isApart, phaseTimeout, type Phase } from './phase.ts'
import { DEFAULT_LIFETIME, MAX_LIFETIME, type SendOptions } from './send.ts'
import { Requests } from './requests.ts'
import { Router } from './router.ts'
import { Traffic } from './traffic.ts'

/** How many encrypted LeaseSets the session can know of; the oldest is forgotten. */
export const MAX_BLINDING_INFOS = 64
/** A session that stood so long was no failed attempt: the back-off starts anew. ms. */
const STABLE = 30_000
/** Every router answers GetBandwidthLimits at once, ms. */
const ACQUAINTANCE = 500

/**
 * One I2CP session without socket, timer or clock. The driver opens a transport on 'connect', reports it with
 * `connected` / `disconnected`, feeds frames to `receive`, writes what `pollTransmit` gives, obeys `pollEvent`, and
 * calls `handleTimeout` when `nextTimeout` is due. Never throws for what a router sends.
 */
export class SessionCore {
  readonly stats: SessionStats = emptyStats()
  readonly #config: SessionCoreConfig
  readonly #attempts: Attempts
  readonly #requests = new Requests(message => this.#put(message), event => this.#events.push(event))
  readonly #leaseSets: LeaseSetMaker
  readonly #liveness: Liveness
  readonly #traffic: Traffic
  readonly #events: SessionEvent[] = []
  readonly #transmit: Buffer[] = []
  readonly #blinding: BlindingDetails[] = []
  readonly #router = new Router()
  #options: Mapping
  #phase: Phase = { name: 'new' }
  #state: SessionState = 'connecting'
  #everReady = false
  #leases: readonly Lease[] = []

  constructor (config: SessionCoreConfig) {
    this.#config = config
    this.#options = config.options
    this.#attempts = new Attempts(config, config.random)
    this.#leaseSets = new LeaseSetMaker(config.keys, config.leaseSet, config.random)
    this.#liveness = new Liveness(config.timeouts.liveness)
    this.#traffic = new Traffic({
      idle: config.idle,
      gzip: config.gzip,
      stats: this.stats,
      put: message => this.#put(message),
      emit: event => this.#events.push(event),
      reconfigure: (now, options) => this.#reconfigure(now, options)
    })
  }

  get state (): SessionState { return this.#state }
  get quirks (): Quirks { return this.#router.quirks }
  /** As its behaviour tells. */
  get routerKind (): RouterKind { return this.#router.kind }
  get routerVersion (): string { return this.#router.version }
  /** Router's clock minus ours, ms. */
  get clockOffset (): number { return this.#router.clockOffset }
  /** The inbound tunnels the router named last. */
  get leases (): readonly Lease[] { return this.#leases }

  start (now: number): void { this.#connect(now) }

  connected (now: number): void {
    if (this.#phase.name !== 'connecting') return
    this.stats.connects++
    this.#liveness.heard(now)
    this.#phase = { name: 'greeting', until: now + this.#config.timeouts.handshake }
    this.#transmit.push(Buffer.of(PROTOCOL_BYTE))
    const { authentication } = this.#config
    this.#put({ type: TYPE.GetDate, version: CLIENT_VERSION, ...(authentication && { authentication }) })
    this.#put({ type: TYPE.GetBandwidthLimits })
  }

  /** The transport failed to open, ended or broke. */
  disconnected (now: number, error?: I2cpError): void {
    this.#lost(now, error ?? new I2cpError('I2CP_DISCONNECTED'), false)
  }

  receive (now: number, type: number, body: Buffer): void {
    if (isApart(this.#phase)) return
    this.#liveness.heard(now)
    try {
      this.#handle(now, decodeMessage(type, body))
    } catch (error) {
      // The frame is whole, so the stream is still in step: the message is skipped, the session stays.
      if (!(error instanceof I2cpError)) throw error
      this.stats.malformed++
      this.#events.push({ type: 'warning', error })
    }
  }

  /**
   * Sends one message, or drops it when no session stands. Returns the nonce of the 'status' event, 0 without `notify`.
   * Throws I2CP_PAYLOAD_TOO_LARGE, I2CP_SESSION_CLOSED.
   */
  send (now: number, to: Destination, payload: Uint8Array, o: SendOptions): number {
    if (payload.length > MAX_PAYLOAD) throw new I2cpError('I2CP_PAYLOAD_TOO_LARGE', `${payload.length} bytes, at most ${MAX_PAYLOAD}`)
    if (this.#phase.name === 'closed' || this.#phase.name === 'closing') throw new I2cpError('I2CP_SESSION_CLOSED')
    const expires = Math.min(o.expires ?? Infinity, now + (o.expires === undefined ? DEFAULT_LIFETIME : MAX_LIFETIME))
    if (this.#phase.name !== 'ready' || expires <= now) {
      this.stats.sendDrops++
      return 0
    }
    const nonce = o.notify === true ? this.#requests.nonce(to) : 0
    this.#traffic.send(now, this.#phase.sessionId, to, payload, nonce, expires + this.clockOffset, o, this.#options)
    return nonce
  }

  /** The driver threw a message away because its transport's queue is full. */
  dropped (): void { this.stats.sendDrops++ }

  /** Answers with a 'lookup' event of the returned handle. Throws I2CP_BUSY, I2CP_SESSION_CLOSED. */
  lookup (now: number, key: LookupKey, timeout: number): number {
    if (this.#state === 'closed') throw new I2cpError('I2CP_SESSION_CLOSED')
    return this.#requests.lookup(now, key, timeout, this.#sessionId())
  }

  cancelLookup (handle: number): void { this.#requests.cancelLookup(handle) }

  /** Answers with a 'bandwidth' event. Throws I2CP_BUSY, I2CP_SESSION_CLOSED. */
  requestBandwidth (): void {
    if (this.#state === 'closed') throw new I2cpError('I2CP_SESSION_CLOSED')
    this.#requests.bandwidth(this.#sessionId())
  }

  /** Merges changed options into those in force, here and on the router. */
  reconfigure (now: number, options: Mapping): void {
    this.#options = { ...this.#options, ...options }
    this.#reconfigure(now, options)
  }

  /** Told to the router now and after every reconnect; the last MAX_BLINDING_INFOS are. Throws I2CP_SESSION_CLOSED. */
  sendBlindingInfo (info: BlindingDetails): void {
    if (this.#state === 'closed') throw new I2cpError('I2CP_SESSION_CLOSED')
    this.#blinding.push(info)
    if (this.#blinding.length > MAX_BLINDING_INFOS) this.#blinding.shift()
    const sessionId = this.#sessionId()
    if (sessionId !== undefined) this.#put({ type: TYPE.BlindingInfo, sessionId, ...info })
  }

  /** Signs and sends the LeaseSet again, with `half` of the leases. False if there is none to send. */
  republish (now: number, half?: 0 | 1): boolean {
    return this.#phase.name === 'ready' && this.#createLeaseSet(now, this.#phase.sessionId, this.#leases, half)
  }

  close (now: number, error?: I2cpError): void {
    const phase = this.#phase
    if (phase.name === 'closed' || phase.name === 'closing') return
    if (error === undefined && (phase.name === 'ready' || phase.name === 'building')) {
      this.#put({ type: TYPE.DestroySession, sessionId: phase.sessionId })
      this.#phase = { name: 'closing', until: now + this.#config.timeouts.close }
      this.#setState('closed')
      this.#requests.fail(new I2cpError('I2CP_SESSION_CLOSED'))
      return
    }
    this.#events.push({ type: 'disconnect' })
    this.#finish(error)
  }

  nextTimeout (): number | undefined {
    if (this.#phase.name === 'closed' || this.#phase.name === 'new') return undefined
    const ready = this.#phase.name === 'ready' ? Math.min(this.#liveness.nextTimeout(), this.#traffic.nextTimeout()) : Infinity
    return Math.min(phaseTimeout(this.#phase), ready, this.#requests.nextTimeout())
  }

  handleTimeout (now: number): void {
    this.#requests.handleTimeout(now)
    const phase = this.#phase
    switch (phase.name) {
      case 'new': case 'closed': return
      case 'ready': this.#checkReady(now); return
      case 'waiting': if (now >= phase.until) this.#connect(now); return
      case 'closing':
        if (now >= phase.until) this.#endClosing()
        return
      case 'building':
        if (phase.answer !== undefined && now >= phase.answer.at) this.#answerFirst(now, phase.sessionId, phase.answer.leases)
        else if (now >= phase.until) this.#lost(now, new I2cpError('I2CP_TIMEOUT', 'the router built no tunnels in time'))
        return
      case 'acquainting':
        if (now >= phase.until) this.#create(now)
        return
      case 'connecting': case 'greeting': case 'creating':
        if (now >= phase.until) this.#lost(now, new I2cpError('I2CP_TIMEOUT', `the router did not answer while ${phase.name}`))
    }
  }

  pollTransmit (): Buffer | undefined { return this.#transmit.shift() }

  pollEvent (): SessionEvent | undefined { return this.#events.shift() }

  #handle (now: number, message: Message): void {
    switch (message.type) {
      case TYPE.SetDate: {
        const isKnown = this.#router.told(now, message)
        if (this.#phase.name !== 'greeting') return
        if (isKnown) this.#create(now)
        else this.#phase = { name: 'acquainting', until: now + ACQUAINTANCE }
        return
      }
      case TYPE.SessionStatus: this.#sessionStatus(now, message); return
      case TYPE.RequestVariableLeaseSet: this.#leaseSetRequested(now, message.sessionId, message.leases); return
      case TYPE.RequestLeaseSet: {
        const leases = message.tunnels.map(tunnel => ({ ...tunnel, end: message.end }))
        this.#leaseSetRequested(now, message.sessionId, leases)
        return
      }
      case TYPE.MessagePayload: this.#payload(now, message); return
      case TYPE.MessageStatus:
        if (message.status === MESSAGE_STATUS.AVAILABLE && message.sessionId === this.#sessionId()) this.#traffic.fetch(message)
        else if (!this.#requests.answer(message)) this.stats.stray++
        return
      case TYPE.BandwidthLimits:
        this.#requests.answer(message)
        if (this.#phase.name === 'acquainting') this.#create(now, message.limits)
        return
      case TYPE.HostReply:
        if (!this.#requests.answer(message)) this.stats.stray++
        return
      case TYPE.Disconnect: {
        const { error, refusal } = dismissal(this.#phase, message.reason)
        this.#lost(now, error, true, refusal)
        return
      }
      default: this.stats.stray++
    }
  }

  #create (now: number, limits?: Bandwidth): void {
    this.#router.judge(limits)
    this.#leaseSets.newSession()
    this.#phase = { name: 'creating', until: now + this.#config.timeouts.handshake }
    this.#put({ type: TYPE.CreateSession, config: this.#sessionConfig(now, this.#options) })
  }

  #sessionConfig (now: number, options: Mapping) {
    const { keys } = this.#config
    const unsigned = { destination: keys.destination, options: optionsFor(this.quirks, options), date: now + this.clockOffset }
    return signSessionConfig(unsigned, data => keys.sign(data))
  }

  #sessionStatus (now: number, { sessionId, status }: SessionStatus): void {
    const phase = this.#phase
    if (phase.name === 'creating') {
      if (status === SESSION_STATUS.CREATED) {
        this.#attempts.accepted()
        this.#phase = { name: 'building', sessionId, until: now + this.#config.timeouts.tunnels }
        this.#setState(this.#everReady ? 'reconnecting' : 'building')
      } else if (status === SESSION_STATUS.INVALID) {
        this.#lost(now, new I2cpError('I2CP_SESSION_INVALID'), true, 'final')
      } else {
        this.#lost(now, new I2cpError('I2CP_SESSION_REFUSED', `the router refused the session (status ${status})`), true, 'may-pass')
      }
      return
    }
    const own = (phase.name === 'building' || phase.name === 'ready') && phase.sessionId === sessionId
    if (own && status === SESSION_STATUS.DESTROYED) this.#lost(now, new I2cpError('I2CP_SESSION_DESTROYED'))
    else if (phase.name === 'closing') this.#endClosing()
    else if (own && status === SESSION_STATUS.INVALID) {
      this.#events.push(
        { type: 'warning', error: new I2cpError('I2CP_BAD_OPTION', 'the router rejected the changed options') }
      )
    } else if (!own || status !== SESSION_STATUS.UPDATED) this.stats.stray++
  }

  #leaseSetRequested (now: number, sessionId: number, leases: readonly Lease[]): void {
    const phase = this.#phase
    if ((phase.name !== 'building' && phase.name !== 'ready') || phase.sessionId !== sessionId) {
      this.stats.stray++
      return
    }
    // The request shares memory with its frame; the leases outlive it.
    this.#leases = leases.map(lease => ({ ...lease, gateway: Buffer.from(lease.gateway) }))
    if (phase.name === 'ready') {
      this.#createLeaseSet(now, sessionId, this.#leases)
      return
    }
    const { leaseSetDelay } = this.#config
    const delay = leaseSetDelay === 'auto' ? (this.quirks.losesEarlyLeaseSet ? EARLY_LEASE_SET_DELAY : 0) : leaseSetDelay
    if (delay === 0) this.#answerFirst(now, sessionId, this.#leases)
    else this.#phase = { ...phase, answer: { at: phase.answer?.at ?? now + delay, leases: this.#leases } }
  }

  #answerFirst (now: number, sessionId: number, leases: readonly Lease[]): void {
    if (!this.#createLeaseSet(now, sessionId, leases)) {
      // Wait for the next request; the phase's own deadline stays.
      if (this.#phase.name === 'building') this.#phase = { name: 'building', sessionId, until: this.#phase.until }
      return
    }
    this.#phase = { name: 'ready', sessionId, since: now }
    this.#everReady = true
    this.#setState('ready')
    this.#traffic.start(now)
    for (const info of this.#blinding) this.#put({ type: TYPE.BlindingInfo, sessionId, ...info })
    this.#requests.resume(sessionId)
  }

  #createLeaseSet (now: number, sessionId: number, leases: readonly Lease[], half?: 0 | 1): boolean {
    const message = this.#leaseSets.create(sessionId, leases, now + this.clockOffset, half)
    if (message === undefined) {
      this.#events.push({ type: 'warning', error: new I2cpError('I2CP_PROTOCOL', 'no lease that the router has named is valid') })
      return false
    }
    this.#put(message)
    this.stats.leaseSetsCreated++
    return true
  }

  #payload (now: number, message: MessagePayload): void {
    const phase = this.#phase
    const own = (phase.name === 'ready' || phase.name === 'building') && phase.sessionId === message.sessionId
    if (own) this.#traffic.receive(now, message, this.#options)
    else this.stats.stray++
  }

  #connect (now: number): void {
    this.#phase = { name: 'connecting', until: now + this.#config.timeouts.connect }
    this.#events.push({ type: 'connect' })
  }

  /** The connection is of no more use: wait and connect again, or end. */
  #lost (now: number, error: I2cpError, disconnect = true, refusal?: Refusal): void {
    const phase = this.#phase
    if (isApart(phase)) return
    if (disconnect) this.#events.push({ type: 'disconnect' })
    this.#transmit.length = 0
    if (phase.name === 'closing') {
      this.#finish(undefined)
      return
    }
    if (phase.name === 'ready' && now >= phase.since + STABLE) this.#attempts.stood()
    this.#requests.connectionLost()
    const wait = this.#attempts.next(this.#everReady, refusal)
    if (wait === undefined) {
      this.#finish(this.#attempts.summary(error))
      return
    }
    this.#events.push({ type: 'warning', error })
    this.#phase = { name: 'waiting', until: now + wait }
    this.#setState(this.#everReady ? 'reconnecting' : 'connecting')
  }

  #endClosing (): void {
    this.#events.push({ type: 'disconnect' })
    this.#finish(undefined)
  }

  #finish (error: I2cpError | undefined): void {
    if (this.#phase.name === 'closed') return
    this.#phase = { name: 'closed' }
    this.#setState('closed')
    this.#requests.fail(error ?? new I2cpError('I2CP_SESSION_CLOSED'))
    this.#events.push({ type: 'closed', error })
  }

  #checkReady (now: number): void {
    const verdict = this.#liveness.check(now)
    if (verdict === 'dead') this.#lost(now, new I2cpError('I2CP_TIMEOUT', 'the router has fallen silent'))
    else if (this.#traffic.checkIdle(now)) this.close(now)
    else if (verdict === 'ask') this.#put({ type: TYPE.GetBandwidthLimits })
  }

  #reconfigure (now: number, options: Mapping): void {
    const sessionId = this.#sessionId()
    if (sessionId !== undefined) this.#put({ type: TYPE.ReconfigureSession, sessionId, config: this.#sessionConfig(now, options) })
  }

  #sessionId (): number | undefined { return this.#phase.name === 'ready' ? this.#phase.sessionId : undefined }

  #setState (state: SessionState): void {
    if (state === this.#state) return
    this.#state = state
    this.#events.push({ type: 'state', state })
  }

  #put (message: Message): void { this.#transmit.push(encodeMessage(message)) }
}
