import type { Destination } from '@minwww/i2cp/codec'
import { encodePacket } from '../packet/encode.ts'
import type { OfflineSignature } from '../packet/offline-signature.ts'
import { packet } from '../packet/packet.ts'
import type { PacketSigner } from '../packet/packet.ts'
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
    const { config, inbound, peer } = this.#source
    const signed = sent.synchronize || sent.close
    const initial = sent.synchronize && !inbound
    return encodePacket(packet({
      ...this.#ids(),
      ...(initial ? { noAck: true, targetHash: peer.hash } : this.#source.acknowledgement),
      sequence: sent.sequence,
      synchronize: sent.synchronize,
      close: sent.close,
      signed,
      ...(sent.synchronize && { from: this.#identity.destination, maxPacketSize: config.maxMessageSize, offline: this.#identity.offline }),
      // The SYN reply carries no NACKs (0.9.58): eight would be taken for a hash. So it acknowledges only up to the first gap.
      ...(sent.synchronize && inbound && { nacks: [], ackThrough: this.#source.contiguous }),
      profileInteractive: config.profile === 'interactive',
      delay: delay ?? (sent.immediate ? 0 : undefined),
      resendDelay: Math.min(Math.round(config.initialResendDelay / 1000), 255),
      payload: sent.payload
    }), signed ? this.#identity.signer : undefined)
  }

  ack (delay: number | undefined): Buffer {
    return encodePacket(packet({ ...this.#ids(), ...this.#source.acknowledgement, delay }))
  }

  reset (): Buffer {
    return encodeReset({ ...this.#ids(), ackThrough: this.#source.acknowledgement.ackThrough }, this.#identity)
  }

  #ids (): { sendStreamId: number, receiveStreamId: number } {
    return { sendStreamId: this.#source.sendStreamId, receiveStreamId: this.#source.receiveStreamId }
  }
}

/** Carries our Destination: peers before 0.9.20 need it. */
export function encodeReset (ids: { sendStreamId: number, receiveStreamId: number, ackThrough: number }, { destination, offline, signer }: LocalIdentity): Buffer {
  return encodePacket(packet({ ...ids, reset: true, signed: true, from: destination, offline }), signer)
}
