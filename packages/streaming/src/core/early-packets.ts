import type { ReceivedPacket } from '../packet/packet.ts'
import { MAX_EARLY_PACKETS } from './constants.ts'

/** A SYN that is late by more than this will be repeated anyway, ms. */
export const EARLY_TTL = 10_000
/** Streams whose SYN is awaited; the oldest goes. */
export const MAX_EARLY_STREAMS = 64
/** Bytes over all of them; the oldest streams go. */
export const MAX_EARLY_BYTES = 1_048_576

interface Early { readonly since: number, readonly packets: ReceivedPacket[], bytes: number }

/** Packets that overtook the SYN of their stream, by the stream ID of their sender. Streaming document, "Setup". */
export class EarlyPackets {
  readonly #streams = new Map<number, Early>()
  #bytes = 0

  get streams (): number { return this.#streams.size }
  get bytes (): number { return this.#bytes }

  add (now: number, packet: ReceivedPacket): void {
    this.#expire(now)
    let early = this.#streams.get(packet.receiveStreamId)
    if (early === undefined) {
      early = { since: now, packets: [], bytes: 0 }
      this.#streams.set(packet.receiveStreamId, early)
    }
    if (early.packets.length >= MAX_EARLY_PACKETS) return
    early.packets.push(packet)
    early.bytes += packet.bytes.length
    this.#bytes += packet.bytes.length
    while (this.#streams.size > MAX_EARLY_STREAMS || this.#bytes > MAX_EARLY_BYTES) this.#dropOldest()
  }

  /** The packets of a stream whose SYN has come. */
  take (now: number, id: number): ReceivedPacket[] {
    this.#expire(now)
    const early = this.#streams.get(id)
    if (early === undefined) return []
    this.#drop(id, early)
    return early.packets
  }

  #expire (now: number): void {
    for (const [id, early] of this.#streams) {
      if (now - early.since <= EARLY_TTL) return // in order of arrival
      this.#drop(id, early)
    }
  }

  #dropOldest (): void {
    const [id, early] = this.#streams.entries().next().value!
    this.#drop(id, early)
  }

  #drop (id: number, early: Early): void {
    this.#streams.delete(id)
    this.#bytes -= early.bytes
  }
}
