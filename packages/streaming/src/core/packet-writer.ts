import type { Destination } from '@minwww/i2cp/codec'
import { encodePacket } from '../packet/encode.ts'
import type { OfflineSignature } from '../packet/offline-signature.ts'
import { packet } from '../packet/packet.ts'
import type { Packet, PacketSigner } from '../packet/packet.ts'
import type { ConnectionConfig } from './config.ts'
import type { SentPacket } from './scoreboard.ts'

/** Who we are: the Destination in our SYNs and what signs for it. */
export interface LocalIdentity {
  readonly destination: Destination
  readonly signer: PacketSigner
  /** When a transient key signs. */
  readonly offline?: OfflineSignature | undefined
}

/** What of a connection is in every header. */
interface HeaderSource {
  readonly inbound: boolean
  readonly peer: Destination
  readonly receiveStreamId: number
  readonly sendStreamId: number
  readonly config: ConnectionConfig
  readonly acknowledgement: { ackThrough: number, nacks: number[] }
  readonly contiguous: number
}

/** Gives packets their headers. ACK fields are taken at the time of the transmission, also in a retransmission. */
export class PacketWriter {
  readonly #source: HeaderSource
  readonly #identity: LocalIdentity

  constructor (source: HeaderSource, identity: LocalIdentity) {
    this.#source = source
    this.#identity = identity
  }

  /** `delay`: choke or unchoke, or undefined. */
  data (sent: SentPacket, delay: number | undefined): Buffer {
    const { config, inbound } = this.#source
    // Field by field: of all that a stream does, spreading objects together took most time.
    const next = this.#packet()
    if (sent.synchronize && !inbound) {
      next.noAck = true
      next.targetHash = this.#source.peer.hash
    } else this.#acknowledge(next)
    if (sent.synchronize) this.#introduce(next)
    next.sequence = sent.sequence
    next.synchronize = sent.synchronize
    next.close = sent.close
    next.signed = sent.synchronize || sent.close
    next.profileInteractive = config.profile === 'interactive'
    next.delay = delay ?? (sent.immediate ? 0 : undefined)
    next.resendDelay = Math.min(Math.round(config.initialResendDelay / 1000), 255)
    next.payload = sent.payload
    return encodePacket(next, next.signed ? this.#identity.signer : undefined)
  }

  ack (delay: number | undefined): Buffer {
    const next = this.#packet()
    this.#acknowledge(next)
    next.delay = delay
    return encodePacket(next)
  }

  /** Whether the peer has this stream: it tells who asks, so that one who has not can say so. Else it is an ACK. */
  question (): Buffer {
    const next = this.#packet()
    next.ackThrough = this.#source.contiguous
    next.from = this.#identity.destination
    next.offline = this.#identity.offline
    next.signed = true
    return encodePacket(next, this.#identity.signer)
  }

  reset (): Buffer {
    const { sendStreamId, receiveStreamId, acknowledgement } = this.#source
    return encodeReset({ sendStreamId, receiveStreamId, ackThrough: acknowledgement.ackThrough }, this.#identity)
  }

  #packet (): Packet {
    const { sendStreamId, receiveStreamId } = this.#source
    return packet({ sendStreamId, receiveStreamId })
  }

  #acknowledge (next: Packet): void {
    const { ackThrough, nacks } = this.#source.acknowledgement
    next.ackThrough = ackThrough
    next.nacks = nacks
  }

  #introduce (next: Packet): void {
    next.from = this.#identity.destination
    next.maxPacketSize = this.#source.config.maxMessageSize
    next.offline = this.#identity.offline
    if (!this.#source.inbound) return
    // The SYN reply carries no NACKs (0.9.58): eight would be taken for a hash. So it acknowledges only up to the first gap.
    next.nacks = []
    next.ackThrough = this.#source.contiguous
  }
}

/** Carries our Destination: peers before 0.9.20 need it. */
export function encodeReset (
  ids: { sendStreamId: number, receiveStreamId: number, ackThrough: number }, { destination, offline, signer }: LocalIdentity
): Buffer {
  return encodePacket(packet({ ...ids, reset: true, signed: true, from: destination, offline }), signer)
}
