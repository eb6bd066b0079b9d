import type { Flight, LossReason } from '../flight.ts'
import type { Random } from '../random.ts'
import { FRAGMENT_CAPACITY } from '../sizes.ts'
import { CoDel } from './codel.ts'

/** What differs between the gateways of outbound and inbound tunnels. */
export interface GatewayRules {
  /** Messages taken at one time; the one after them is thrown away (CoDelBlockingQueue.drainTo). */
  readonly batch: number
  /** Longest wait of a tunnel message that is not full enough, ms. */
  readonly hold: number
  /** Bytes that a container grows by until it is in this tunnel. */
  readonly overhead: number
}

/** A tunnel message with this much in it is sent at once: 80 % of 1003. */
const FULL_ENOUGH = 802

/** Messages that wait in a gateway; further ones are dropped. */
export const MAX_QUEUE = 1_024

/** Mostly the gateway takes what comes within this time, ms. */
const PUMP_DELAY = 0.3

/** But sometimes its thread is late by up to this, ms, and then more than a batch may be waiting. */
const LATE_DELAY = 5
const LATE_PROBABILITY = 0.03

/** While its link is backlogged a gateway takes this many messages at a time, and waits in between, ms. */
const BACKLOG_BATCH = 2
const BACKLOG_DELAY = 50

interface Waiting<T> {
  readonly flight: Flight<T>
  readonly since: number
}

interface Held<T> {
  readonly flight: Flight<T>
  /** Tunnel messages that no message before it has begun. */
  readonly count: number
}

/** What a gateway needs of its surroundings. */
export interface GatewayHost<T> {
  schedule (time: number, run: (time: number) => void): void
  /** Whether the link to the next router has no room. */
  backlogged (time: number): boolean
  /** All of a message is in tunnel messages that have been sent, `count` of them on its account. */
  emit (time: number, flight: Flight<T>, count: number): void
  drop (time: number, flight: Flight<T>, reason: LossReason): void
}

/**
 * A tunnel gateway of Java I2P (measured on 2.7.0): it takes waiting messages in batches and packs them densely into
 * tunnel messages; the last one waits for more unless it is 80 % full.
 */
export class JavaGateway<T> {
  readonly #rules: GatewayRules
  readonly #random: Random
  readonly #host: GatewayHost<T>
  readonly #codel = new CoDel()
  readonly #queue: Array<Waiting<T>> = []
  #pumping = false
  /** Bytes in the open tunnel message, and the messages whose end is in it. */
  #fill = 0
  readonly #held: Array<Held<T>> = []
  #holding = false
  /** Changes with each open tunnel message, so that a hold ends only its own. */
  #turn = 0

  constructor (rules: GatewayRules, random: Random, host: GatewayHost<T>) {
    this.#rules = rules
    this.#random = random
    this.#host = host
  }

  enqueue (now: number, flight: Flight<T>): void {
    if (this.#queue.length >= MAX_QUEUE) return this.#host.drop(now, flight, 'backlog')
    this.#queue.push({ flight, since: now })
    if (!this.#pumping) this.#schedulePump(now, this.#pumpDelay())
  }

  #schedulePump (now: number, delay: number): void {
    this.#pumping = true
    this.#host.schedule(now + delay, time => this.#pump(time))
  }

  #pump (now: number): void {
    this.#pumping = false
    const backlogged = this.#host.backlogged(now)
    const batch = this.#queue.splice(0, backlogged ? BACKLOG_BATCH : this.#rules.batch)
    for (const { flight, since } of batch) {
      if (this.#codel.drops(now, now - since)) this.#host.drop(now, flight, 'codel')
      else this.#pack(now, flight)
    }
    this.#closeBatch(now)
    const unlucky = backlogged ? undefined : this.#queue.shift()
    if (unlucky !== undefined) this.#host.drop(now, unlucky.flight, 'gateway')
    if (this.#queue.length > 0) this.#schedulePump(now, backlogged ? BACKLOG_DELAY : this.#pumpDelay())
  }

  #pack (now: number, flight: Flight<T>): void {
    const shared = this.#fill > 0 ? 1 : 0
    const total = this.#fill + flight.size + this.#rules.overhead
    const full = Math.floor(total / FRAGMENT_CAPACITY)
    if (full > 0) this.#release(now)
    this.#fill = total % FRAGMENT_CAPACITY
    const count = full - shared
    if (this.#fill === 0) this.#host.emit(now, flight, count)
    else this.#held.push({ flight, count: count + 1 })
  }

  /** At the end of a batch: what is in the open tunnel message goes, or waits for more. */
  #closeBatch (now: number): void {
    if (this.#fill >= FULL_ENOUGH) return this.#release(now)
    if (this.#held.length === 0 || this.#holding) return
    this.#holding = true
    const turn = this.#turn
    this.#host.schedule(now + this.#rules.hold, time => {
      if (turn === this.#turn) this.#release(time)
    })
  }

  /** Sends the open tunnel message. */
  #release (now: number): void {
    this.#fill = 0
    this.#holding = false
    this.#turn++
    for (const { flight, count } of this.#held.splice(0)) this.#host.emit(now, flight, count)
  }

  #pumpDelay (): number {
    const late = this.#random.next() < LATE_PROBABILITY
    return late ? PUMP_DELAY + this.#random.next() * (LATE_DELAY - PUMP_DELAY) : this.#random.next() * PUMP_DELAY
  }
}
