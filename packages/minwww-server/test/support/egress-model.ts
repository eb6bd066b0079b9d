import { TUNNEL_BYTES, type Arrivals } from '@minwww/protocol'
import { EPOCH, SeededRandom } from '@minwww/testkit'
import { Egress } from '../../src/core/egress.ts'

export const KB = 1024
/** ms */
const STEP = 5
/** Bytes of each message: a symbol of two tunnel messages. */
const MESSAGE = 2 * TUNNEL_BYTES
/** A client reports so often, if so much came. */
const REPORT_EVERY = 500
const REPORT_AT_LEAST = 8
const REPORT_BYTES = 16
const HASTE = 300

/** What one client grants, bytes/s, whatever comes; its own inbound tunnels, and what it says instead of the truth. */
export interface Client {
  grant: number
  inbound?: number
  /** ms after the start. */
  begins?: number
  lie?: ((said: Arrivals) => Partial<Arrivals>) | undefined
  /** Its REPORTs come every 300 ms, and speak of this moment, whatever it got. */
  isHasty?: boolean
}

interface State extends Client {
  bucket: { rate: number }
  received: number
  told: number
  toldAt: number
  time: number
  queue: number
  tokens: number
  served: number
  counted: number
  link: Link
}

/** A link in time: it is busy until `free`. */
interface Link { rate: number, free: number }

/**
 * An exit that always has something to send to everybody, its tunnels as one drop-tail queue, and clients that grant the same rate whatever
 * happens: so nobody but the exit's estimate keeps the queue from overflowing.
 */
export class Model {
  readonly egress = new Egress()
  now = EPOCH
  readonly #random: SeededRandom
  readonly #common: Link
  readonly #clients: State[]
  readonly #loss: number
  readonly #delay: number
  readonly #queue: number
  #arrivals: Array<{ at: number, act: () => void }> = []
  #tokens = 0
  #sent = 0
  #dropped = 0
  #since = EPOCH

  /** @param o - bytes/s of the exit's tunnels, 0 = unlimited; loss of a tunnel message; ms one way and of the longest queue */
  constructor (seed: number, o: { rate: number, loss?: number, delay: number, queue: number, clients: readonly Client[] }) {
    this.#random = new SeededRandom(seed)
    this.#common = { rate: o.rate, free: 0 }
    this.#loss = o.loss ?? 0
    this.#delay = o.delay
    this.#queue = o.queue
    this.#clients = o.clients.map(client => ({
      ...client, bucket: { rate: client.grant }, received: 0, told: 0, toldAt: 0, time: 0, queue: 0, tokens: 0, served: 0, counted: 0, link: { rate: client.inbound ?? 0, free: 0 }
    }))
  }

  #hasten (): void {
    for (const client of this.#clients) {
      if (client.isHasty !== true) continue
      const truth = { time: this.now & 0xffff, queue: client.queue, received: client.received }
      this.egress.reported(this.now, client, { ...truth, ...client.lie?.(truth) })
    }
  }

  /** The exit's tunnels carry something else from now on. */
  carry (rate: number): void {
    this.#common.rate = rate
  }

  run (ms: number): void {
    for (const end = this.now + ms; this.now < end; this.now += STEP) {
      this.#arrive()
      if ((this.egress.nextTimeout() ?? Infinity) <= this.now) this.egress.handleTimeout(this.now)
      this.#send()
      if (this.now % HASTE < STEP) this.#hasten()
    }
  }

  /** What is counted begins now. */
  forget (): void {
    this.#since = this.now
    this.#sent = 0
    this.#dropped = 0
    for (const client of this.#clients) client.counted = client.received
  }

  /** KB/s that came to each client, percent that a full queue dropped. */
  result (): { shares: number[], drops: number, limit: number } {
    const seconds = (this.now - this.#since) / 1000
    return {
      shares: this.#clients.map(({ received, counted }) => (received - counted) * TUNNEL_BYTES / KB / seconds),
      drops: 100 * this.#dropped / Math.max(1, this.#sent),
      limit: this.egress.limit
    }
  }

  /** Start-time fair queueing, as the exit's send queue does it. */
  #send (): void {
    const { limit } = this.egress
    this.#tokens = Math.min(Math.max(MESSAGE, limit * 0.05), this.#tokens + limit * STEP / 1000)
    const active = this.#clients.filter(({ begins = 0 }) => this.now - EPOCH >= begins)
    const least = Math.min(...active.map(({ served }) => served))
    for (const client of active) {
      client.tokens = Math.min(Math.max(MESSAGE, client.grant / 4), client.tokens + client.grant * STEP / 1000)
      client.served = Math.min(client.served, least + 64 * TUNNEL_BYTES)
    }
    for (;;) {
      const [next] = active.filter(({ tokens }) => tokens >= MESSAGE).sort((a, b) => a.served - b.served || this.#random.number() - 0.5)
      if (next === undefined || this.#tokens < MESSAGE) return
      next.tokens -= MESSAGE
      next.served += MESSAGE
      this.#tokens -= MESSAGE
      this.egress.sent(this.now, next, MESSAGE)
      this.#sent++
      this.#carry(next)
    }
  }

  #carry (client: State): void {
    const sent = this.now
    const common = this.#wait(this.now, this.#common)
    if (common === undefined) return
    const own = this.#wait(common, client.link)
    if (own === undefined || this.#isLost()) return
    const at = own + this.#delay * (1 + 0.05 * this.#random.number())
    this.#arrivals.push({ at, act: () => this.#receive(client, sent, at) })
  }

  /** When it has passed a link; undefined if the queue before it is full. */
  #wait (now: number, link: Link): number | undefined {
    if (link.rate === 0) return now
    if (link.free - now > this.#queue) {
      this.#dropped++
      return undefined
    }
    link.free = Math.max(now, link.free) + MESSAGE / link.rate * 1000
    return link.free
  }

  #isLost (): boolean {
    return this.#random.number() < 1 - (1 - this.#loss) ** 2
  }

  #arrive (): void {
    const due = this.#arrivals.filter(({ at }) => at <= this.now).sort((a, b) => a.at - b.at)
    if (due.length === 0) return
    this.#arrivals = this.#arrivals.filter(({ at }) => at > this.now)
    for (const { act } of due) act()
  }

  #receive (client: State, sent: number, at: number): void {
    client.received += 2
    client.time = sent & 0xffff
    client.queue = Math.max(0, at - sent - this.#delay)
    const fresh = client.received - client.told
    if (client.isHasty === true) return
    if (!(at - client.toldAt >= REPORT_EVERY && fresh >= REPORT_AT_LEAST) && fresh < REPORT_BYTES * REPORT_AT_LEAST) return
    client.told = client.received
    client.toldAt = at
    const truth = { time: client.time, queue: client.queue, received: client.received }
    const said = { ...truth, ...client.lie?.(truth) }
    this.#arrivals.push({ at: at + this.#delay, act: () => this.egress.reported(this.now, client, said) })
  }
}
