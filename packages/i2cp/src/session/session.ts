import { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import type { Clock, Logger } from '@minwww/ground'
import { DriveLoop } from '@minwww/ground/node'
import type { LocalDestination } from '../crypto/local-destination.ts'
import type { Destination } from '../data/destination.ts'
import { limitsOf } from '../bound.ts'
import type { Limit } from '../bound.ts'
import { BOUNDS } from '../bounds.ts'
import { I2cpError } from '../errors.ts'
import { MAX_TRANSPORT_QUEUE } from '../sizes.ts'
import type { Bandwidth } from '../messages/bandwidth-limits.ts'
import { FrameReader } from '../messages/frame.ts'
import type { BlindingDetails } from '../messages/blinding-info.ts'
import { LOOKUP } from '../messages/host-lookup.ts'
import type { LookupKey } from '../messages/host-lookup.ts'
import { parseAddress } from '../naming/address.ts'
import type { NameCache } from '../naming/cache.ts'
import type { Hosts } from '../naming/hosts.ts'
import { LOOKUP_TIMEOUT, Resolver } from '../naming/resolver.ts'
import type { LookupOptions } from '../naming/resolver.ts'
import type { ReceivedMessage, SessionEvent, SessionState, SessionStats } from './core/events.ts'
import type { LookupResult } from './core/lookups.ts'
import type { SendOptions } from './core/send.ts'
import type { SessionCore } from './core/session-core.ts'
import type { DeliveryStatus } from './core/statuses.ts'
import type { RouterKind } from './quirks.ts'
import { checkOptions } from './session-options.ts'
import type { OptionValues } from './session-options.ts'

/** A router that does not even read answers to what it asks is given up when so much more waits, bytes. */
const MAX_ANSWERS = 1024 * 1024
/** For the last bytes of a closed session, ms. */
const FLUSH_TIMEOUT = 1_000

interface SessionEvents {
  message: [ReceivedMessage]
  state: [SessionState]
  status: [DeliveryStatus]
  /** The last event; an error says why, unless close() was called. */
  close: [I2cpError | undefined]
}

export interface SessionDriverOptions {
  readonly core: SessionCore
  readonly keys: LocalDestination
  readonly open: (signal: AbortSignal) => Promise<Duplex>
  readonly clock: Clock
  readonly logger: Logger
  readonly cache: NameCache
  readonly hosts?: Hosts
}

interface Waiter<T> {
  readonly resolve: (value: T) => void
  readonly reject: (error: Error) => void
}

/** A Destination's connection to the network through a router. Made by createSession. */
export class Session extends EventEmitter<SessionEvents> {
  readonly keys: LocalDestination
  readonly #core: SessionCore
  readonly #open: (signal: AbortSignal) => Promise<Duplex>
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #resolver: Resolver
  readonly #cache: NameCache
  readonly #lookups = new Map<number, Waiter<LookupResult>>()
  #bandwidth: Array<Waiter<Bandwidth>> = []
  #transport: Duplex | undefined
  #opening: AbortController | undefined
  readonly #loop: DriveLoop
  readonly #closed: Promise<void>
  #resolveClosed!: () => void

  /** Use createSession. */
  constructor (options: SessionDriverOptions) {
    super()
    this.keys = options.keys
    this.#core = options.core
    this.#open = options.open
    this.#clock = options.clock
    this.#logger = options.logger
    const { cache, clock, hosts } = options
    this.#cache = cache
    this.#resolver = new Resolver({ cache, clock, ...(hosts && { hosts }), query: (key, o) => this.query(key, o) })
    this.#closed = new Promise(resolve => { this.#resolveClosed = resolve })
    this.#loop = new DriveLoop(clock, {
      work: () => this.#work(),
      nextTimeout: () => this.#core.nextTimeout(),
      expire: now => this.#core.handleTimeout(now)
    })
    this.#core.start(this.#clock.now())
    this.#loop.run()
  }

  get destination (): Destination { return this.keys.destination }
  get state (): SessionState { return this.#core.state }
  get stats (): SessionStats { return this.#core.stats }
  /** Router's time minus ours, ms. */
  get clockOffset (): number { return this.#core.clockOffset }
  /** API version the router claims; informative only. */
  get routerVersion (): string { return this.#core.routerVersion }
  /** Which implementation the router is, as its behaviour tells. */
  get routerKind (): RouterKind { return this.#core.routerKind }
  get quirks () { return this.#core.quirks }
  /** Inbound tunnels the router named last. */
  get leases () { return this.#core.leases }
  /** How full its queue and tables are. */
  get limits (): Limit[] {
    return limitsOf(BOUNDS, { transport: this.#transport?.writableLength ?? 0, lookups: this.#lookups.size, names: this.#cache.size })
  }

  /**
   * Sends one message of at most MAX_PAYLOAD bytes; it arrives once or not at all. Without a ready session it is
   * dropped and counted in `stats.sendDrops`. Returns the nonce of its 'status' events (0 without `notify`).
   * Throws I2CP_PAYLOAD_TOO_LARGE, I2CP_SESSION_CLOSED.
   */
  send (to: Destination, payload: Uint8Array, options: SendOptions): number {
    if (this.#transport !== undefined && this.#transport.writableLength > MAX_TRANSPORT_QUEUE) {
      this.#core.dropped()
      return 0
    }
    const nonce = this.#core.send(this.#clock.now(), to, payload, options)
    this.#loop.run()
    return nonce
  }

  /**
   * Finds the Destination of a name: base64, .b32.i2p (b32 or b33) or a host name; remembered, and merged with an equal
   * look-up under way. Rejects with I2CP_BAD_ADDRESS, I2CP_LOOKUP_..., I2CP_TIMEOUT, I2CP_ABORTED, I2CP_BUSY.
   */
  async lookup (name: string, options?: LookupOptions): Promise<Destination> {
    try {
      return await this.#resolver.resolve(name, options)
    } catch (error) {
      const isFailed = (error as I2cpError).code === 'I2CP_LOOKUP_FAILED'
      const isCannot = isFailed && this.routerKind === 'i2pd' && parseAddress(name).kind === 'blinded'
      throw isCannot ? new I2cpError('I2CP_LOOKUP_UNSUPPORTED', 'i2pd looks up no encrypted LeaseSets over I2CP', { cause: error }) : error
    }
  }

  /** `hash`: 32 bytes. Asks the router each time: success means that it finds the LeaseSet. */
  async lookupHash (hash: Uint8Array, options: LookupOptions = {}): Promise<Destination> {
    return (await this.query({ lookupType: LOOKUP.HASH, hash: Buffer.from(hash) }, options)).destination
  }

  /** Any HostLookup, uncached and unmerged. */
  query (key: LookupKey, { timeout = LOOKUP_TIMEOUT, signal }: LookupOptions = {}): Promise<LookupResult> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) throw new I2cpError('I2CP_ABORTED')
      const handle = this.#core.lookup(this.#clock.now(), key, timeout)
      const abort = () => {
        this.#core.cancelLookup(handle)
        this.#lookups.delete(handle)
        reject(new I2cpError('I2CP_ABORTED'))
      }
      signal?.addEventListener('abort', abort, { once: true })
      const done = () => signal?.removeEventListener('abort', abort)
      this.#lookups.set(handle, { resolve: value => { done(); resolve(value) }, reject: error => { done(); reject(error) } })
      this.#loop.run()
    })
  }

  /** Tells the router how to reach an encrypted LeaseSet, now and after every reconnect. i2pd and emissary do not know the message. */
  sendBlindingInfo (info: BlindingDetails): void {
    this.#core.sendBlindingInfo(info)
    this.#loop.run()
  }

  /** What the router says about bandwidth; constant or zero on some. */
  bandwidthLimits (): Promise<Bandwidth> {
    return new Promise((resolve, reject) => {
      this.#core.requestBandwidth()
      this.#bandwidth.push({ resolve, reject })
      this.#loop.run()
    })
  }

  /** Changes session options; tunnel options (inbound.*, outbound.*) take effect at once. Throws I2CP_BAD_OPTION. */
  reconfigure (options: OptionValues): void {
    this.#core.reconfigure(this.#clock.now(), checkOptions(options))
    this.#loop.run()
  }

  /**
   * Signs and sends the LeaseSet again; false if there is none with a valid lease.
   * @param half - with every other lease only: what comes by one of the others will come by one of these
   */
  republish (half?: 0 | 1): boolean {
    const sent = this.#core.republish(this.#clock.now(), half)
    this.#loop.run()
    return sent
  }

  /** Destroys the session; resolves when the transport is closed. */
  async close (): Promise<void> {
    this.abort()
    await this.#closed
  }

  /** Ends the session with an error for 'close', or like close() without waiting. */
  abort (error?: I2cpError): void {
    this.#core.close(this.#clock.now(), error)
    this.#loop.run()
  }

  /** Everything that the core wants done. */
  #work (): boolean {
    for (;;) {
      this.#write()
      const event = this.#core.pollEvent()
      if (event === undefined) return false
      this.#obey(event)
    }
  }

  #write (): void {
    let bytes = this.#core.pollTransmit()
    const transport = this.#transport
    if (bytes === undefined) return
    if (transport === undefined) return
    // One system call for all that was sent in this turn of the event loop.
    if (transport.writableCorked === 0) {
      transport.cork()
      process.nextTick(() => transport.uncork())
    }
    for (; bytes !== undefined; bytes = this.#core.pollTransmit()) transport.write(bytes)
    if (transport.writableLength > MAX_TRANSPORT_QUEUE + MAX_ANSWERS) {
      transport.destroy(new I2cpError('I2CP_DISCONNECTED', 'the router does not read'))
    }
  }

  #obey (event: SessionEvent): void {
    switch (event.type) {
      case 'connect': this.#connect(); return
      case 'disconnect': this.#disconnect(); return
      case 'message': this.emit('message', event.message); return
      case 'status': this.emit('status', event.status); return
      case 'state':
        this.#logger.info({ state: event.state, destination: this.destination.b32 }, 'I2CP session')
        this.emit('state', event.state)
        return
      case 'warning':
        this.#logger.warn({ code: event.error.code, detail: event.error.message }, 'I2CP session')
        return
      case 'lookup': {
        const waiter = this.#lookups.get(event.handle)
        this.#lookups.delete(event.handle)
        if (waiter !== undefined) settle(waiter, event.result)
        return
      }
      case 'bandwidth': {
        const waiter = this.#bandwidth.shift()
        if (waiter !== undefined) settle(waiter, event.result)
        return
      }
      case 'closed':
        this.#opening?.abort()
        this.#resolveClosed()
        this.emit('close', event.error)
    }
  }

  #connect (): void {
    const opening = new AbortController()
    this.#opening = opening
    const failed = (error: unknown) => {
      if (opening.signal.aborted) return
      this.#core.disconnected(this.#clock.now(), coded(error))
      this.#loop.run()
    }
    this.#open(opening.signal).then(transport => {
      if (opening.signal.aborted) { transport.destroy(); return }
      this.#use(transport)
    }).catch(failed)
  }

  #use (transport: Duplex): void {
    this.#transport = transport
    const reader = new FrameReader()
    const ended = (error?: unknown) => {
      if (this.#transport !== transport) return
      this.#transport = undefined
      transport.destroy()
      this.#core.disconnected(this.#clock.now(), error === undefined ? undefined : coded(error))
      this.#loop.run()
    }
    // Read at once and for ever: i2pd throws messages away when a client lets 1 MiB wait.
    transport.on('data', (chunk: Buffer) => {
      if (this.#transport !== transport) return // what follows our end() concerns nobody
      try {
        for (const { type, body } of reader.push(chunk)) this.#core.receive(this.#clock.now(), type, body)
        this.#loop.run()
      } catch (error) {
        if (!(error instanceof I2cpError)) throw error
        ended(error)
      }
    })
    transport.on('error', ended)
    transport.on('end', () => ended())
    transport.on('close', () => ended())
    this.#core.connected(this.#clock.now())
    this.#loop.run()
  }

  #disconnect (): void {
    this.#opening?.abort()
    this.#opening = undefined
    const transport = this.#transport
    if (transport === undefined) return
    this.#transport = undefined
    // end() writes what is left; a router that does not read must not keep the socket.
    const timer = this.#clock.setTimer(() => transport.destroy(), FLUSH_TIMEOUT)
    transport.once('close', () => timer.clear())
    transport.end(() => transport.destroy())
  }
}

function settle<T> (waiter: Waiter<T>, result: T | I2cpError): void {
  if (result instanceof I2cpError) waiter.reject(result)
  else waiter.resolve(result)
}

function coded (error: unknown): I2cpError {
  if (error instanceof I2cpError) return error
  return new I2cpError(
    'I2CP_DISCONNECTED', `the connection to the router broke (${(error as NodeJS.ErrnoException).code ?? String(error)})`, { cause: error }
  )
}
