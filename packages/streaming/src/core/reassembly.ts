import { MAX_NACKS } from '../packet/constants.ts'
import { ReceiveBudget } from './receive-budget.ts'

export type Accepted = 'new' | 'duplicate' | 'full'

/** What a packet costs beside its payload, bytes: a flood of tiny packets fills the buffer as a few large ones do. */
export const PACKET_OVERHEAD = 128

/**
 * The receiving half: puts packets in order. Bounds: `limit` bytes (payload and PACKET_OVERHEAD each) waiting for the application,
 * `most` with those that wait for a gap, and `span` sequence numbers ahead of the first missing one; what exceeds one of them is not
 * taken and not acknowledged.
 */
export class Reassembly {
  #next = 0
  #highest = -1
  #closeAt: number | undefined
  readonly #early = new Map<number, Buffer>()
  #earlyCost = 0
  readonly #readable: Buffer[] = []
  #readableCost = 0
  readonly #limit: number
  readonly #most: number
  readonly #span: number
  readonly #budget: ReceiveBudget
  #discard = false

  constructor (limit: number, span: number, budget = new ReceiveBudget(Infinity), most = limit) {
    this.#limit = limit
    this.#most = most
    this.#span = span
    this.#budget = budget
  }

  /** First sequence number that is missing. */
  get next (): number { return this.#next }
  /** Bytes the application has not read, with overhead. */
  get readableCost (): number { return this.#readableCost }
  /** All bytes held, with overhead. */
  get cost (): number { return this.#readableCost + this.#earlyCost }
  get limit (): number { return this.#limit }
  get hasGap (): boolean { return this.#early.size > 0 }
  /** The peer's CLOSE and everything before it has arrived. */
  get complete (): boolean { return this.#closeAt !== undefined && this.#next > this.#closeAt }

  accept (sequence: number, payload: Buffer): Accepted {
    if (sequence < this.#next || this.#early.has(sequence)) return 'duplicate'
    if (this.#closeAt !== undefined && sequence > this.#closeAt) return 'duplicate'
    if (sequence >= this.#next + this.#span) return 'full'
    // The packet that closes the gap is always taken: it frees the ones behind it.
    const [held, limit] = sequence === this.#next ? [this.#readableCost, this.#limit] : [this.cost, this.#most]
    if (held + costOf(payload) > limit) return 'full'
    // Whatever the others hold, a stream without anything to read gets its next packet: so each of them goes on.
    const essential = sequence === this.#next && this.#readableCost === 0
    if (!essential && this.#budget.exceededBy(costOf(payload))) return 'full'
    this.#highest = Math.max(this.#highest, sequence)
    if (sequence === this.#next) {
      this.#deliver(payload)
      this.#drainEarly()
    } else {
      this.#early.set(sequence, payload)
      this.#earlyCost += this.#budget.take(costOf(payload))
    }
    return 'new'
  }

  /** The CLOSE arrived with this sequence number. */
  close (sequence: number): void { this.#closeAt ??= sequence }

  /** In-order bytes for the application, in the pieces in which they came. */
  read (): Buffer | undefined {
    const chunk = this.#readable.shift()
    if (chunk !== undefined) this.#readableCost -= this.#budget.give(costOf(chunk))
    return chunk
  }

  /** The application wants no more: data is acknowledged and thrown away. */
  discard (): void {
    this.#discard = true
    this.#readable.length = 0
    this.#readableCost -= this.#budget.give(this.#readableCost)
  }

  /** No more packets: what waits for a gap is thrown away. */
  stop (): void {
    this.#early.clear()
    this.#earlyCost -= this.#budget.give(this.#earlyCost)
  }

  /** The highest number to acknowledge and what is missing below it: at most 255, so the former may be lower than received. */
  acknowledgement (): { ackThrough: number, nacks: number[] } { return this.#nacks() }

  #nacks (): { ackThrough: number, nacks: number[] } {
    const nacks: number[] = []
    if (this.#early.size === 0) return { ackThrough: this.#highest, nacks }
    for (let sequence = this.#next; sequence < this.#highest; sequence++) {
      if (this.#early.has(sequence)) continue
      if (nacks.length === MAX_NACKS) return { ackThrough: sequence - 1, nacks }
      nacks.push(sequence)
    }
    return { ackThrough: this.#highest, nacks }
  }

  #drainEarly (): void {
    for (let payload = this.#early.get(this.#next); payload !== undefined; payload = this.#early.get(this.#next)) {
      this.#early.delete(this.#next)
      this.#earlyCost -= this.#budget.give(costOf(payload))
      this.#deliver(payload)
    }
  }

  #deliver (payload: Buffer): void {
    this.#next += 1
    if (payload.length === 0 || this.#discard) return
    this.#readable.push(payload)
    this.#readableCost += this.#budget.take(costOf(payload))
  }
}

function costOf (payload: Buffer): number { return payload.length + PACKET_OVERHEAD }
