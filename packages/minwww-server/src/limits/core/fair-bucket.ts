import { TokenBucket } from '@minwww/protocol'

/** Bytes that wait for their turn. */
interface Ticket {
  flow: string
  bytes: number
  /** Start tag of start-time fair queueing. */
  start: number
  grant: () => void
}

export interface FairBucketOptions {
  /** Bytes a second; 0 is unlimited. */
  rate: number
  /** Bytes that may go at once after a pause. Default half a second of the rate, at least 16 KiB. */
  burst?: number
}

const MIN_BURST = 16_384
/** Flows whose finish tags are kept; a flow beyond them starts like a new one. */
export const MAX_FLOWS = 4_096

/**
 * One direction's bandwidth, shared fairly: start-time fair queueing (Goyal, Vin, Cheng 1996) over a token bucket. Each
 * flow (a client) gets the same bytes while it wants them. The flow MESSAGES is special: the exit's core does not say in
 * advance what it wants to send, so it asks `readyAt` and reports with `sent`.
 */
export class FairBucket {
  #bucket: TokenBucket | undefined
  readonly #waiting: Ticket[] = []
  readonly #finish = new Map<string, number>()
  #virtual = 0
  #messages = 0
  #total = 0

  constructor (options: FairBucketOptions, now: number) {
    const { rate } = options
    if (rate > 0) this.#bucket = new TokenBucket(rate, options.burst ?? Math.max(MIN_BURST, rate / 2), now)
  }

  get rate (): number { return this.#bucket?.rate ?? 0 }
  get waiting (): number { return this.#waiting.length }
  /** Bytes that ever passed. */
  get total (): number { return this.#total }

  /** 0 is unlimited: what waits goes at the next `poll`. */
  setRate (now: number, rate: number, burst = Math.max(MIN_BURST, rate / 2)): void {
    if (rate === 0) this.#bucket = undefined
    else if (this.#bucket === undefined) this.#bucket = new TokenBucket(rate, burst, now)
    else this.#bucket.setRate(now, rate, burst)
  }

  /** `grant` is called once, here or from `poll`, when the bytes may go. Returns a function that gives the place up. */
  request (now: number, flow: string, bytes: number, grant: () => void): () => void {
    if (this.#bucket === undefined) {
      this.#total += bytes
      grant()
      return () => {}
    }
    const ticket: Ticket = { flow, bytes, start: this.#startOf(flow), grant }
    this.#remember(flow, ticket.start + bytes)
    this.#waiting.push(ticket)
    this.poll(now)
    return () => {
      const index = this.#waiting.indexOf(ticket)
      if (index !== -1) this.#waiting.splice(index, 1)
    }
  }

  /** Grants what may go now. */
  poll (now: number): void {
    for (let ticket = this.#first(); ticket !== undefined; ticket = this.#first()) {
      if (this.#bucket?.take(now, ticket.bytes) === false) return
      this.#waiting.splice(this.#waiting.indexOf(ticket), 1)
      this.#virtual = Math.max(this.#virtual, ticket.start)
      this.#total += ticket.bytes
      ticket.grant()
    }
  }

  nextTimeout (now: number): number | undefined {
    const first = this.#first()
    return first === undefined ? undefined : this.#bucket?.availableAt(now, first.bytes) ?? now
  }

  /** ms from which on a message of about so many bytes may go, after the flows whose turn it is. */
  readyAt (now: number, bytes: number): number {
    if (this.#bucket === undefined) return now
    const first = this.#first()
    const ahead = first !== undefined && first.start < Math.max(this.#virtual, this.#messages) ? first.bytes : 0
    return this.#bucket.availableAt(now, bytes + ahead)
  }

  /** A message has gone. `share` is the number of clients that messages go to at present. */
  sent (now: number, bytes: number, share: number): void {
    this.#total += bytes
    if (this.#bucket === undefined) return
    this.#bucket.force(now, bytes)
    const start = Math.max(this.#virtual, this.#messages)
    this.#messages = start + bytes / Math.max(1, share)
    if (this.#waiting.length === 0) this.#virtual = start
  }

  /** More has gone for a flow than it had asked for: the next that it asks for waits so much longer. */
  charge (now: number, flow: string, bytes: number): void {
    this.#total += bytes
    if (this.#bucket === undefined) return
    this.#bucket.force(now, bytes)
    this.#remember(flow, this.#startOf(flow) + bytes)
  }

  #first (): Ticket | undefined {
    let first: Ticket | undefined
    for (const ticket of this.#waiting) {
      if (first === undefined || ticket.start < first.start) first = ticket
    }
    return first
  }

  #startOf (flow: string): number {
    return Math.max(this.#virtual, this.#finish.get(flow) ?? 0)
  }

  #remember (flow: string, finish: number): void {
    this.#finish.delete(flow)
    this.#finish.set(flow, finish)
    if (this.#finish.size <= MAX_FLOWS) return
    const oldest = this.#finish.keys().next().value
    if (oldest !== undefined) this.#finish.delete(oldest)
  }
}
