import type { Clock, Logger } from '@minwww/ground'
import { DriveLoop } from '@minwww/ground/node'
import type { ServerEvent } from '../core.ts'
import type { ExitCore, RouterSession, IncomingMessage, OutgoingMessage } from './ports.ts'

/** Decides when a message may leave; `undefined` is now. Bandwidth limits implement it. */
export interface Pacer {
  /** ms on the clock from which on a message may be taken from the core; not later than now if it may be taken at once. */
  readyAt (now: number): number
  sent (now: number, message: OutgoingMessage): void
  /** The core has nothing more to send at present. */
  idle (): void
  received (now: number, message: IncomingMessage): void
}

export interface CoreDriverOptions {
  core: ExitCore
  session: RouterSession
  clock: Clock
  logger: Logger
  pacer: Pacer
  onEvent: (event: ServerEvent) => void
}

/** ms; no timer is finer than this. */
const TICK = 1
/** ms after which the core gets the time again although the pacer is still closed. */
const MAX_HOLD = 100
/** Messages given to the session in one go, so that a burst cannot keep the event loop from everything else. */
const MAX_BURST = 256

/** Feeds the core with messages and time, and carries away what it wants to send and to say. Owns one timer. */
export class CoreDriver {
  readonly #options: CoreDriverOptions
  readonly #onMessage = (message: IncomingMessage) => this.#receive(message)
  readonly #loop: DriveLoop
  /** ms from which on there may be more to send; Infinity if only the core knows. */
  #resume = Infinity
  #closed = false
  #onIdle: Array<() => void> = []

  constructor (options: CoreDriverOptions) {
    this.#options = options
    this.#loop = new DriveLoop(options.clock, {
      work: () => this.#work(),
      nextTimeout: () => this.#nextTimeout(),
      expire: now => this.#expire(now)
    })
    options.session.on('message', this.#onMessage)
  }

  /** Calls the core at the present time and carries out what follows. A no-op after `close`. */
  act (call: (core: ExitCore, now: number) => void): void {
    if (this.#closed) return
    call(this.#options.core, this.#options.clock.now())
    this.#loop.run()
  }

  /** Resolves when the core has nothing more to send; at once after `close`. */
  async idle (): Promise<void> {
    if (this.#closed || this.#options.core.idle !== false) return
    await new Promise<void>(resolve => this.#onIdle.push(resolve))
  }

  close (): void {
    this.#closed = true
    for (const wake of this.#onIdle.splice(0)) wake()
    this.#options.session.off('message', this.#onMessage as (...args: unknown[]) => void)
    this.#loop.close()
  }

  #receive (message: IncomingMessage): void {
    this.act((core, now) => {
      this.#options.pacer.received(now, message)
      core.receive(now, message)
    })
  }

  #work (): boolean {
    const { core, clock } = this.#options
    for (let event = core.pollEvent(); event !== undefined; event = core.pollEvent()) this.#options.onEvent(event)
    this.#resume = this.#transmit(clock.now())
    if (core.idle !== false) for (const wake of this.#onIdle.splice(0)) wake()
    return false
  }

  /**
   * While the pacer holds messages back, the core's own deadline for them lies in the past. And what the core wants to send "now"
   * but does not give is a rounding of epoch milliseconds (2^-12 ms): a tick later it does.
   */
  #nextTimeout (): number | undefined {
    const now = this.#options.clock.now()
    if (this.#resume < Infinity) return Math.min(this.#resume, now + MAX_HOLD)
    const at = this.#options.core.nextTimeout()
    return at === undefined ? undefined : Math.max(at, now + TICK)
  }

  #expire (now: number): void {
    const { core } = this.#options
    const due = core.nextTimeout()
    if (due !== undefined && due <= now) core.handleTimeout(now)
  }

  /** Sends what may leave now. Returns the time at which there may be more, Infinity if only the core knows. */
  #transmit (now: number): number {
    const { core, pacer } = this.#options
    for (let count = 0; count < MAX_BURST; count++) {
      const readyAt = pacer.readyAt(now)
      if (readyAt > now) return readyAt
      const message = core.pollTransmit(now)
      if (message === undefined) {
        pacer.idle()
        return Infinity
      }
      this.#send(now, message)
    }
    return now
  }

  #send (now: number, message: OutgoingMessage): void {
    const { session, pacer, logger } = this.#options
    pacer.sent(now, message)
    const { to, payload, protocol, fromPort, toPort, expires } = message
    try {
      session.send(to, payload, { protocol, fromPort, toPort, expires })
    } catch (error) {
      // Datagram semantics: what cannot be sent is lost, the client asks again.
      logger.warn({ code: (error as { code?: string }).code ?? 'UNKNOWN' }, 'a message could not be sent')
    }
  }
}
