import type { Destination } from '@minwww/i2cp/codec'
import { MAX_PING_PAYLOAD } from '../packet/constants.ts'
import { encodePacket } from '../packet/encode.ts'
import { packet } from '../packet/packet.ts'
import type { ReceivedPacket } from '../packet/packet.ts'
import type { LocalIdentity } from './packet-writer.ts'

/** Pings that may wait for their pong at once; a further one fails at once. */
export const MAX_PINGS = 256

interface Waiting { readonly peer: Destination, readonly sentAt: number }

/** Ping and pong. Streaming document, "Ping / Pong". Times in ms. */
export class Pings {
  readonly #identity: LocalIdentity
  readonly #waiting = new Map<number, Waiting>()

  constructor (identity: LocalIdentity) { this.#identity = identity }

  get full (): boolean { return this.#waiting.size >= MAX_PINGS }

  /** The packet of ping number `id`, which is a fresh stream ID. */
  ping (now: number, id: number, peer: Destination, payload: Buffer): Buffer {
    this.#waiting.set(id, { peer, sentAt: now })
    return encodePacket(packet({
      sendStreamId: id,
      echo: true,
      signed: true,
      from: this.#identity.destination,
      offline: this.#identity.offline,
      payload: payload.subarray(0, MAX_PING_PAYLOAD)
    }), this.#identity.signer)
  }

  forget (id: number): void { this.#waiting.delete(id) }

  /** The round-trip time, if the pong belongs to a ping of ours. */
  pong (now: number, pong: ReceivedPacket): { id: number, rtt: number, payload: Buffer } | undefined {
    const waiting = this.#waiting.get(pong.receiveStreamId)
    if (waiting === undefined) return undefined
    this.#waiting.delete(pong.receiveStreamId)
    return { id: pong.receiveStreamId, rtt: now - waiting.sentAt, payload: pong.payload }
  }

  /** The pong; the ping's signature is verified by the caller. */
  answer (ping: ReceivedPacket): Buffer {
    return encodePacket(packet({
      receiveStreamId: ping.sendStreamId,
      echo: true,
      payload: ping.payload.subarray(0, MAX_PING_PAYLOAD)
    }))
  }
}
