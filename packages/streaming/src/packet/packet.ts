import type { Destination } from '@minwww/i2cp/codec'
import type { OfflineSignature } from './offline-signature.ts'

/**
 * One packet of the streaming protocol. The presence of an optional field sets its flag, so a packet whose flags and
 * options disagree cannot be written. Streaming specification, "Packet Format".
 */
export interface Packet {
  /** The recipient's stream ID, 0 until it is known. */
  sendStreamId: number
  /** The sender's stream ID. */
  receiveStreamId: number
  /** 0 in a SYN and in a plain ACK. */
  sequence: number
  /** All up to here are received, except `nacks`. Without meaning when `noAck`. */
  ackThrough: number
  /** Missing sequence numbers below `ackThrough`, at most 255. Empty in a SYN. */
  nacks: readonly number[]
  /** SYN only: the hash of the Destination it is meant for, 32 bytes in the NACK field. */
  targetHash?: Buffer | undefined
  /** Seconds until the sender repeats the packet, 0..255; ignored on receipt. */
  resendDelay: number
  synchronize: boolean
  close: boolean
  reset: boolean
  echo: boolean
  noAck: boolean
  signatureRequested?: boolean
  profileInteractive?: boolean
  /** ms: 0 asks for an ACK at once, up to 60,000 for a later one, above it chokes. */
  delay?: number | undefined
  from?: Destination | undefined
  /** Longest payload the sender accepts, bytes. */
  maxPacketSize?: number | undefined
  offline?: OfflineSignature | undefined
  /** True: the packet is (to be) signed. */
  signed: boolean
  payload: Buffer
}

/** A packet as it arrived, with the place of its signature. */
export interface ReceivedPacket extends Packet {
  readonly bytes: Buffer
  /** Offset of the signature in `bytes`; 0 when there is none. */
  readonly signatureOffset: number
  readonly signatureLength: number
}

/** What signs: a LocalDestination, or a transient key with its offline signature. */
export interface PacketSigner {
  /** Bytes. */
  readonly signatureLength: number
  sign (data: Uint8Array): Uint8Array
}

const EMPTY = Buffer.alloc(0)

/** A packet with every field at its neutral value. */
export function packet (fields: Partial<Packet>): Packet {
  return {
    sendStreamId: 0,
    receiveStreamId: 0,
    sequence: 0,
    ackThrough: 0,
    nacks: [],
    resendDelay: 0,
    synchronize: false,
    close: false,
    reset: false,
    echo: false,
    noAck: false,
    signed: false,
    payload: EMPTY,
    ...fields
  }
}
