import { LocalDestination } from '@minwww/i2cp/codec'
import { SeededRandom } from '@minwww/testkit'
import { StreamingCore } from '../../src/core.ts'
import type { Connection, Outgoing, StreamingEvent, StreamingOptions } from '../../src/core.ts'
import { Link } from './link.ts'
import type { LinkOptions } from './link.ts'

/** More steps than this at one instant is a livelock. */
const MAX_STEPS_PER_INSTANT = 100_000
export const EPOCH = 1_000_000_000_000

export interface Endpoint {
  readonly name: string
  readonly keys: LocalDestination
  readonly core: StreamingCore
  /** Towards the other endpoint. */
  readonly out: Link<Outgoing>
  onEvent: (event: StreamingEvent) => void
}

/** Two endpoints joined by two links, in virtual time. */
export class World {
  now = EPOCH
  readonly client: Endpoint
  readonly server: Endpoint
  #steps = 0
  #timers: Array<{ at: number, action: () => void }> = []

  constructor (
    link: LinkOptions, options: { client?: Partial<StreamingOptions>, server?: Partial<StreamingOptions>, back?: Partial<LinkOptions> } = {}
  ) {
    this.client = endpoint('client', link.seed * 4 + 1, { ...link, seed: link.seed * 4 + 2 }, options.client)
    this.server = endpoint('server', link.seed * 4 + 3, { ...link, ...options.back, seed: link.seed * 4 + 4 }, options.server)
    this.server.core.listen()
  }

  connect (port = 80, options?: Partial<StreamingOptions>): Connection {
    return this.client.core.connect(this.now, { destination: this.server.keys.destination, port, ...(options && { options }) })
  }

  /** Calls `action` at a time, ms from now. */
  after (ms: number, action: () => void): void {
    this.#timers.push({ at: this.now + ms, action })
    this.#timers.sort((left, right) => left.at - right.at)
  }

  /** Runs until `done`, or until nothing is left to happen, or for `limit` ms. Returns the time that passed, ms. */
  run (limit = 3_600_000, done: () => boolean = () => false): number {
    const start = this.now
    this.#pump()
    while (!done()) {
      const next = this.#nextTime()
      if (next === undefined) break
      if (next > start + limit) {
        this.now = start + limit
        break
      }
      this.#step(next)
    }
    return this.now - start
  }

  #step (next: number): void {
    if (next > this.now) this.#steps = 0
    else if (++this.#steps > MAX_STEPS_PER_INSTANT) throw new Error('livelock')
    this.now = Math.max(next, this.now)
    while (this.#timers[0] !== undefined && this.#timers[0].at <= this.now) this.#timers.shift()!.action()
    this.#deliver(this.client, this.server)
    this.#deliver(this.server, this.client)
    for (const { core } of [this.client, this.server]) {
      const timeout = core.nextTimeout()
      if (timeout !== undefined && timeout <= this.now) core.handleTimeout(this.now)
    }
    this.#pump()
  }

  #deliver (from: Endpoint, to: Endpoint): void {
    for (let message = from.out.take(this.now); message !== undefined; message = from.out.take(this.now)) to.core.receive(this.now, message)
  }

  #pump (): void {
    for (const endpoint of [this.client, this.server]) {
      for (let rounds = 0; ; rounds++) {
        if (rounds > MAX_STEPS_PER_INSTANT) throw new Error('livelock')
        const event = endpoint.core.pollEvent()
        if (event !== undefined) endpoint.onEvent(event)
        const message = endpoint.core.pollTransmit(this.now)
        if (message !== undefined) endpoint.out.send(this.now, message.payload.length + 23, message)
        if (event === undefined && message === undefined) break
      }
    }
  }

  #nextTime (): number | undefined {
    let least: number | undefined
    for (const at of [
      this.client.core.nextTimeout(), this.server.core.nextTimeout(), this.client.out.next(), this.server.out.next(), this.#timers[0]?.at
    ]) {
      if (at !== undefined && (least === undefined || at < least)) least = at
    }
    return least
  }
}

function endpoint (name: string, seed: number, link: LinkOptions, options: Partial<StreamingOptions> = {}): Endpoint {
  const random = new SeededRandom(seed)
  const keys = LocalDestination.generate(random.bytes)
  return { name, keys, core: new StreamingCore({ keys, random: random.bytes, options }), out: new Link(link), onEvent: () => {} }
}
