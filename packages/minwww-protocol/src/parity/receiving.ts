import type { GroupMessage } from './messages.ts'
import { readStreamPacket } from './stream-packet.ts'
import type { StreamPacket } from './stream-packet.ts'
import { decodeGroup, MAX_GROUP, MAX_GROUP_PARITY, MAX_SYMBOL, MIN_SYMBOL } from './symbols.ts'
import type { StreamIds } from './symbols.ts'

/** Packets of one stream that are kept, counted from the highest sequence number. */
export const KEPT_PACKETS = 256
/** Groups of one stream that wait for more of their symbols; the oldest goes. */
export const MAX_GROUPS = 4
/** What is told to the sender waits so long for more of the same, ms. */
const REBUILT_DELAY = 25
const REPEATED_DELAY = 250

interface Group { readonly first: number, readonly count: number, readonly length: number, readonly symbols: Map<number, Buffer> }

/** What one stream receives, and the packets of it that parity brings back. */
export class ReceivingStream {
  /** By sequence number; ascending only by chance. */
  readonly #packets = new Map<number, StreamPacket>()
  /** By first packet and number of packets: what is sent again makes groups of its own. */
  readonly #groups = new Map<number, Group>()
  #highest = 0
  #bytes = 0
  rebuilt = 0
  repeated = 0
  /** When the sender is to be told. */
  tellAt: number | undefined

  /** Bytes kept. */
  get bytes (): number { return this.#bytes }

  /** A packet with a number came by itself. Returns what could be rebuilt with it. */
  received (now: number, packet: StreamPacket, ids: StreamIds): Buffer[] {
    if (this.#packets.has(packet.sequence)) {
      this.repeated += 1
      this.#tellBy(now + REPEATED_DELAY)
      return []
    }
    return this.#keep(packet) ? this.#rebuildWith(now, packet.sequence, ids) : []
  }

  /** An authentic parity symbol came. Returns what could be rebuilt with it. */
  parity (now: number, { first, count, index, symbol }: GroupMessage, ids: StreamIds): Buffer[] {
    if (first === 0 || count === 0 || count > MAX_GROUP || index >= MAX_GROUP_PARITY) return []
    if (symbol.length < MIN_SYMBOL || symbol.length > MAX_SYMBOL) return []
    if (first + count > 0xffffffff || first <= this.#highest - KEPT_PACKETS || !this.#misses(first, count)) return []
    const key = first * (MAX_GROUP + 1) + count
    let group = this.#groups.get(key)
    if (group === undefined) {
      this.#groups.set(key, group = { first, count, length: symbol.length, symbols: new Map() })
      if (this.#groups.size > MAX_GROUPS) this.#dropGroup(this.#groups.keys().next().value!)
    }
    if (group.length !== symbol.length || group.symbols.has(index)) return []
    group.symbols.set(index, symbol)
    this.#bytes += symbol.length
    return this.#rebuild(now, key, group, ids)
  }

  /** The stream is idle: keeps the counters only. */
  forget (): void {
    this.#packets.clear()
    this.#groups.clear()
    this.#bytes = 0
  }

  /** A packet may be the last that several groups lacked. */
  #rebuildWith (now: number, sequence: number, ids: StreamIds): Buffer[] {
    const rebuilt: Buffer[] = []
    for (const [key, group] of [...this.#groups]) {
      if (sequence >= group.first && sequence < group.first + group.count) rebuilt.push(...this.#rebuild(now, key, group, ids))
    }
    return rebuilt
  }

  #rebuild (now: number, key: number, group: Group, ids: StreamIds): Buffer[] {
    const { first } = group
    const here = Array.from({ length: group.count }, (_, place) => this.#packets.get(first + place))
    const missing = here.filter(packet => packet === undefined).length
    if (missing > group.symbols.size) return []
    this.#dropGroup(key)
    if (missing === 0) return []
    const rebuilt = decodeGroup(ids, first, group.length, here, group.symbols)
    if (rebuilt === undefined) return []
    const packets: Buffer[] = []
    for (const bytes of rebuilt.values()) {
      const packet = readStreamPacket(bytes)
      if (packet === undefined || !this.#keep(packet)) continue
      this.rebuilt += 1
      packets.push(bytes)
    }
    this.#tellBy(now + REBUILT_DELAY)
    return packets
  }

  #keep (packet: StreamPacket): boolean {
    if (packet.sequence <= this.#highest - KEPT_PACKETS) return false
    this.#packets.set(packet.sequence, packet)
    this.#bytes += packet.body.length
    if (packet.sequence > this.#highest) {
      this.#highest = packet.sequence
      for (const [sequence, { body }] of this.#packets) {
        // They came roughly in order: the first one that is young ends the search.
        if (sequence > this.#highest - KEPT_PACKETS) break
        this.#packets.delete(sequence)
        this.#bytes -= body.length
      }
      if (this.#packets.size > 2 * KEPT_PACKETS) this.forget()
    }
    return true
  }

  #misses (first: number, count: number): boolean {
    for (let sequence = first; sequence < first + count; sequence++) if (!this.#packets.has(sequence)) return true
    return false
  }

  #dropGroup (key: number): void {
    const group = this.#groups.get(key)
    if (group === undefined) return
    this.#groups.delete(key)
    this.#bytes -= group.length * group.symbols.size
  }

  #tellBy (at: number): void { this.tellAt = Math.min(this.tellAt ?? Infinity, at) }
}
