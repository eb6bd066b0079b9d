import type { Clock, Timer } from '@minwww/ground'
import { CONTAINER } from '@minwww/protocol'
import type { Pacer } from '../exit/core-driver.ts'
import type { IncomingMessage, OutgoingMessage } from '../exit/ports.ts'
import { Backlog } from './core/backlog.ts'
import { FairBucket } from './core/fair-bucket.ts'
import { Overheads } from './core/overheads.ts'
import { QuotaCounter, type QuotaLeft, type QuotaState } from './core/quota.ts'

export interface BandwidthOptions {
  /** Bytes a second that leave towards I2P, messages (with their 23-byte container) and streams together; 0 or absent is unlimited. */
  out?: number
  /** Bytes a second that are fetched from the web and from own sites; 0 or absent is unlimited. */
  in?: number
  /** Bytes that may leave, or come, at once after a pause. Default half a second of the rate, at least 16 KiB. */
  burst?: number
  /** Bytes of a UTC day and of a month, both directions together; 0 or absent is unlimited. */
  quotaDay?: number
  quotaMonth?: number
  /** ms of backlog at a limit above which new requests are told to go elsewhere. Default 8,000. */
  maxDelay?: number
}

export type BandwidthCause = 'quota' | 'bandwidth-out' | 'bandwidth-in'

export interface BandwidthRefusal {
  cause: BandwidthCause
  /** Seconds. */
  retryAfter: number
}

export const DEFAULT_MAX_DELAY = 8_000
/** Bytes that a request under way is expected to cost, in and out. */
const EXPECTED_COST = 65_536
/** What messages add to the bytes of an answer. */
const OVERHEAD = 1.15
/** A client counts as active for so many ms after it was sent to. */
const ACTIVE = 1_000
export const MAX_ACTIVE = 4_096

/** Total bandwidth of both directions and the quota, for messages and streams alike. Owns one timer a direction. */
export class Bandwidth implements Pacer {
  readonly #clock: Clock
  readonly #onCounted: () => void
  #options: BandwidthOptions
  readonly #out: FairBucket
  readonly #in: FairBucket
  readonly #timers = new Map<FairBucket, { at: number, timer: Timer }>()
  readonly #quota: QuotaCounter
  /** Clients that messages go to, by the time of the last one, oldest first. */
  readonly #active = new Map<string, number>()
  /** Bytes of answers that the core has and that have not left yet, as far as is known. */
  readonly #owed = new Backlog()
  readonly #overheads = new Overheads()
  #inWaiting = 0

  /** `onCounted` is called whenever the quota has changed. */
  constructor (options: BandwidthOptions, clock: Clock, saved?: QuotaState, onCounted: () => void = () => {}) {
    this.#options = options
    this.#onCounted = onCounted
    this.#clock = clock
    const now = clock.now()
    const burst = options.burst === undefined ? {} : { burst: options.burst }
    this.#out = new FairBucket({ rate: options.out ?? 0, ...burst }, now)
    this.#in = new FairBucket({ rate: options.in ?? 0, ...burst }, now)
    this.#quota = new QuotaCounter(options, now, saved)
  }

  /** Other limits from now on; what was used stays used. `burst` alone stays as it was. */
  setLimits (options: BandwidthOptions): void {
    const now = this.#clock.now()
    this.#options = { ...options, ...(this.#options.burst === undefined ? {} : { burst: this.#options.burst }) }
    this.#quota.setLimits(options)
    this.#out.setRate(now, options.out ?? 0)
    this.#in.setRate(now, options.in ?? 0)
    for (const bucket of [this.#out, this.#in]) this.#arm(bucket)
  }

  get totals (): { in: number, out: number } {
    return { in: this.#in.total, out: this.#out.total }
  }

  get limits (): { in: number, out: number } {
    return { in: this.#in.rate, out: this.#out.rate }
  }

  quotaLeft (): QuotaLeft {
    return this.#quota.left(this.#clock.now())
  }

  /** What is left of the quotas, 0 to 1. */
  quotaShare (): { day: number, month: number } {
    const { day, month } = this.quotaLeft()
    const { quotaDay = 0, quotaMonth = 0 } = this.#options
    return { day: quotaDay > 0 ? day / quotaDay : 1, month: quotaMonth > 0 ? month / quotaMonth : 1 }
  }

  quotaState (): QuotaState {
    return this.#quota.state(this.#clock.now())
  }

  /** True from when not even one request more would fit. */
  get quotaUsedUp (): boolean {
    return this.#quota.retryAfter(this.#clock.now(), EXPECTED_COST) > 0
  }

  /**
   * What speaks against a request of a client, with `active` of all clients under way, itself among them: so early that
   * those, and what waits to be sent, can still end within the limits. Who waits for little is let in although another one waits for much.
   */
  refuse (client: string, active: number): BandwidthRefusal | undefined {
    const now = this.#clock.now()
    const wait = this.#quota.retryAfter(now, active * EXPECTED_COST + OVERHEAD * this.#owed.total(now))
    if (wait > 0) return { cause: 'quota', retryAfter: wait }
    return this.#delayed('bandwidth-out', this.#owed.ahead(now, client), this.#out.rate) ??
      this.#delayed('bandwidth-in', this.#inWaiting, this.#in.rate)
  }

  /** The core has got an answer of about so many bytes for a client. */
  owe (client: string, bytes: number): void {
    this.#owed.add(this.#clock.now(), client, bytes)
  }

  /** Resolves when the bytes, already read, may be counted; the reader waits so long before it reads on. */
  async takeIn (client: string, bytes: number, signal?: AbortSignal): Promise<void> {
    this.#count(this.#clock.now(), bytes)
    this.#inWaiting += bytes
    try {
      await this.#take(this.#in, client, bytes, signal)
    } finally {
      this.#inWaiting -= bytes
    }
  }

  /** Resolves when the bytes may be written to a stream. */
  async takeOut (client: string, bytes: number, signal?: AbortSignal): Promise<void> {
    await this.#take(this.#out, client, bytes, signal)
    this.#overheads.paid(client, bytes)
    this.#count(this.#clock.now(), bytes)
  }

  /** A packet of a stream has left, or what goes with streams: what was not paid for by `takeOut` is paid for now. */
  streamed (client: string, payload: number): void {
    const now = this.#clock.now()
    const { counted, charged } = this.#overheads.sent(client, payload + CONTAINER)
    if (charged > 0) this.#out.charge(now, client, charged)
    if (counted > 0) this.#count(now, counted)
  }

  /** Bytes that came from a client on a stream: they use up the quota, no rate. */
  countUpload (bytes: number): void {
    this.#count(this.#clock.now(), bytes)
  }

  readyAt (now: number): number {
    return this.#out.readyAt(now, 1)
  }

  sent (now: number, message: Pick<OutgoingMessage, 'payload'> & { to: { b32: string } }): void {
    const bytes = message.payload.length + CONTAINER
    this.#markActive(now, message.to.b32)
    this.#out.sent(now, bytes, this.#active.size)
    this.#owed.sent(now, message.to.b32, bytes)
    this.#count(now, bytes)
  }

  idle (): void {
    this.#owed.clear()
  }

  received (now: number, message: IncomingMessage): void {
    this.#count(now, message.payload.length + CONTAINER)
  }

  close (): void {
    for (const { timer } of this.#timers.values()) timer.clear()
    this.#timers.clear()
  }

  #count (now: number, bytes: number): void {
    this.#quota.add(now, bytes)
    this.#onCounted()
  }

  #delayed (cause: BandwidthCause, bytes: number, rate: number): BandwidthRefusal | undefined {
    const maxDelay = this.#options.maxDelay ?? DEFAULT_MAX_DELAY
    const delay = rate === 0 ? 0 : bytes / rate * 1_000
    return delay > maxDelay ? { cause, retryAfter: Math.max(1, Math.ceil((delay - maxDelay / 2) / 1_000)) } : undefined
  }

  async #take (bucket: FairBucket, client: string, bytes: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    await new Promise<void>((resolve, reject) => {
      const onAbort = () => {
        leave()
        reject(signal?.reason instanceof Error ? signal.reason : new Error('aborted'))
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      const leave = bucket.request(this.#clock.now(), client, bytes, () => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      })
      this.#arm(bucket)
    })
  }

  #arm (bucket: FairBucket): void {
    const at = bucket.nextTimeout(this.#clock.now())
    const armed = this.#timers.get(bucket)
    if (armed !== undefined && at !== undefined && armed.at <= at) return
    armed?.timer.clear()
    this.#timers.delete(bucket)
    if (at === undefined) return
    const timer = this.#clock.setTimer(() => {
      this.#timers.delete(bucket)
      bucket.poll(this.#clock.now())
      this.#arm(bucket)
    }, at - this.#clock.now())
    this.#timers.set(bucket, { at, timer })
  }

  #markActive (now: number, client: string): void {
    this.#active.delete(client)
    this.#active.set(client, now)
    for (const [oldest, seen] of this.#active) {
      if (seen >= now - ACTIVE && this.#active.size <= MAX_ACTIVE) return
      this.#active.delete(oldest)
    }
  }
}
