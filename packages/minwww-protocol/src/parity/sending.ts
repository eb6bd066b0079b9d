import { expectedLosses, parityFor } from '../choice.ts'
import { tunnelMessagesOf } from '../sizes.ts'
import { PARITY_OVERHEAD } from './messages.ts'
import type { PacketLoss } from './packet-loss.ts'
import type { StreamPacket } from './stream-packet.ts'
import { encodeGroup, isCovered, MAX_GROUP, MAX_GROUP_PARITY } from './symbols.ts'

/** What is lost is estimated from few packets: parity is planned for so much more. */
const MARGIN = 1.25
/**
 * A group ends when the sender has had nothing more for so long, ms. On a short path this share of the round trip is enough, as long
 * as that was the end: a site that sends in small pieces would have parity of its own for each.
 */
export const QUIET = 20
const MIN_QUIET = 5
const QUIET_SHARE = 1 / 20
/** A group that has lasted for this share of the round trip ends with so many packets: later the stream repeats what is lost by itself. */
const LASTING_SHARE = 1 / 4
const LASTING_GROUP = 24
/** While more waits for the window, a group ends after this share of the round trip, and only with so many packets. */
const FLIGHT_SHARE = 1 / 4
const MIN_FLIGHT = 8
/** A stream repeats what is lost after so many of the path's least round trips. */
const REPEATED_AFTER = 1.25
/** Parity leaves as its packets did, but no slower than this, ms from one to the next. */
const MAX_SPACING = 5

/** What the stream of a packet is about when it is sent. */
export interface StreamState {
  /** Smoothed, ms; undefined before it is known. */
  readonly rtt: number | undefined
  /** More was written and waits. */
  readonly hasMore: boolean
  /** A queue stands on the path: what is lost now may be lost to it. */
  readonly isLoaded: boolean
  /** One stood when earlier streams sent to this peer: the first packets, before anything was measured, make one too. */
  readonly wasLoaded?: boolean
  /** Packets that the path carries in its least round trip, where that is known. */
  readonly held?: number | undefined
}

/** Parity of one group, made when it is sent. */
export interface Parity {
  readonly first: number
  readonly count: number
  readonly r: number
  readonly symbol: (index: number) => Buffer
  /** ms between two of them. */
  readonly spacing: number
}

/** Consecutive packets under way to a group. */
class Gathering {
  #packets: StreamPacket[] = []
  #firstAt = 0
  lastAt = 0

  get length (): number { return this.#packets.length }

  /** How long ago its first packet left, ms. */
  age (now: number): number { return now - this.#firstAt }

  follows (sequence: number): boolean { return this.#packets.at(-1)?.sequence === sequence - 1 }

  add (now: number, packet: StreamPacket): void {
    if (this.#packets.length === 0) this.#firstAt = now
    this.lastAt = now
    this.#packets.push(packet)
  }

  /**
   * Ends it. `loss`: per tunnel message, 0..1. `isAgain`: its packets were sent before. Where a queue stands and more is to come, one of
   * those that is lost again is there a third time before the queue is empty.
   */
  finish (loss: number, { isLoaded, wasLoaded = false, hasMore, held = Infinity }: StreamState, isAgain: boolean): Parity | undefined {
    const isQueued = isLoaded || wasLoaded
    const repeatable = isQueued ? Infinity : REPEATED_AFTER * held
    const isNarrow = repeatable < MIN_FLIGHT
    const isBusy = isQueued || isNarrow
    const spacing = Math.min((this.lastAt - this.#firstAt) / this.#packets.length, MAX_SPACING)
    // What came before was repeated by the stream, where it was lost.
    const packets = this.#packets.slice(-(1 + Math.ceil(repeatable)))
    const { length: count } = packets
    this.#packets = []
    if (count === 0 || (isNarrow && hasMore)) return undefined
    if (isBusy && isAgain && hasMore) return undefined
    const longest = packets.reduce((most, { body }) => Math.max(most, body.length), 0)
    const r = Math.min(parityOf(count, loss, tunnelMessagesOf(longest + PARITY_OVERHEAD), isBusy, hasMore), MAX_GROUP_PARITY)
    if (r === 0) return undefined
    let made: ReturnType<typeof encodeGroup> | undefined
    const symbol = (index: number): Buffer => (made ??= encodeGroup(packets)).parity(index)
    return { first: packets[0]!.sequence, count, r, symbol, spacing }
  }
}

/** Where the bytes themselves make others wait, only what is likely to be needed; before the end, what is lost on average. */
function parityOf (count: number, loss: number, m: number, isBusy: boolean, hasMore: boolean): number {
  if (!isBusy) return parityFor(count, MARGIN * loss, m)
  const expected = expectedLosses(count, loss, m)
  return Math.min(hasMore ? Math.floor(expected) : Math.round(expected + Math.sqrt(expected)), parityFor(count, loss, m))
}

/** Groups of what one stream sends. */
export class SendingStream {
  #loss: PacketLoss | undefined
  readonly #fresh = new Gathering()
  /** What is sent again. */
  readonly #again = new Gathering()
  #highest = 0
  #state: StreamState = { rtt: undefined, hasMore: false, isLoaded: false }
  /** As the peer told. */
  #rebuilt = 0
  #repeated = 0
  #reported = -1
  /** When the last packet of a group left that has ended because nothing followed; undefined once something did. */
  #quietSince: number | undefined
  /** That came too soon. */
  #isPatient = false

  /** A packet with a number leaves. Returns the parity of the groups that it ends. */
  sent (now: number, packet: StreamPacket, tunnelMessages: number, state: StreamState, loss: PacketLoss): Parity[] {
    this.#state = state
    this.#loss = loss
    const isFresh = packet.sequence > this.#highest
    // What a queue drops tells nothing of the path, and more parity would only lengthen the queue.
    if (!state.isLoaded) {
      loss.sent(tunnelMessages)
      if (!isFresh) loss.lost(1)
    }
    if (isFresh && this.#quietSince !== undefined) {
      this.#isPatient = now - this.#quietSince < QUIET
      this.#quietSince = undefined
    }
    this.#highest = Math.max(this.#highest, packet.sequence)
    const group = isFresh ? this.#fresh : this.#again
    const ended: Array<Parity | undefined> = []
    if (!group.follows(packet.sequence) || !isCovered(packet)) ended.push(group.finish(loss.value, state, !isFresh))
    if (isCovered(packet)) group.add(now, packet)
    const isLasting = group.length >= LASTING_GROUP && group.age(now) >= (state.rtt ?? Infinity) * LASTING_SHARE
    if (isLasting || group.length === MAX_GROUP) ended.push(group.finish(loss.value, state, !isFresh))
    return ended.filter(parity => parity !== undefined)
  }

  /** When a group ends if nothing more comes; undefined without one. */
  nextTimeout (): number | undefined {
    const next = Math.min(this.#freshEnd, this.#againEnd)
    return next === Infinity ? undefined : next
  }

  /** Ends the groups whose time has come. */
  handleTimeout (now: number): Parity[] {
    const loss = this.#loss?.value ?? 0
    if (this.#freshEnd <= now) this.#quietSince = this.#fresh.lastAt
    const ended = [this.#freshEnd <= now ? this.#fresh : undefined, this.#againEnd <= now ? this.#again : undefined]
    return ended.map(group => group?.finish(loss, this.#state, group === this.#again)).filter(parity => parity !== undefined)
  }

  /** The peer told what became of the packets. Returns how many more were rebuilt. */
  told (number: number, rebuilt: number, repeated: number): number {
    if (number <= this.#reported || rebuilt < this.#rebuilt || repeated < this.#repeated || rebuilt > this.#highest) return 0
    const more = rebuilt - this.#rebuilt
    // What came twice was sent again for nothing, whenever that was: else parity would lengthen the queue that makes it late.
    this.#loss?.lost((this.#state.isLoaded ? 0 : more) - (repeated - this.#repeated))
    this.#reported = number
    this.#rebuilt = rebuilt
    this.#repeated = repeated
    return more
  }

  get #freshEnd (): number {
    const { rtt = 0, hasMore } = this.#state
    if (this.#fresh.length === 0) return Infinity
    if (!hasMore) return this.#fresh.lastAt + this.#quiet
    return this.#fresh.length < MIN_FLIGHT ? Infinity : this.#fresh.lastAt + Math.max(QUIET, rtt * FLIGHT_SHARE)
  }

  get #againEnd (): number { return this.#again.length === 0 ? Infinity : this.#again.lastAt + QUIET }

  get #quiet (): number {
    return this.#isPatient ? QUIET : Math.min(QUIET, Math.max(MIN_QUIET, (this.#state.rtt ?? Infinity) * QUIET_SHARE))
  }
}
