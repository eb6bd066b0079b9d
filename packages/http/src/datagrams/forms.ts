import {
  decodeDatagram1, decodeDatagram2, decodeDatagram3, encodeDatagram1, encodeDatagram2, encodeDatagram3, PROTOCOL, toBase32
} from '@minwww/i2cp'
import type { Destination, LocalDestination } from '@minwww/i2cp'

/**
 * `raw` says nothing about the sender; `datagram1` is signed, but not for whom; `datagram2` is signed for the receiver;
 * `datagram3` names a sender without proof, and is the shortest that can be answered.
 */
export type DatagramType = 'raw' | 'datagram1' | 'datagram2' | 'datagram3'

export interface Received {
  readonly payload: Buffer
  /** The sender's .b32.i2p name; '' in a raw one. */
  readonly address: string
  /** Of a signed one. */
  readonly from?: Destination
}

interface Form {
  readonly protocol: number
  encode (from: LocalDestination, to: Destination, payload: Uint8Array): Uint8Array
  /** Throws I2CP_MALFORMED, I2CP_BAD_SIGNATURE. `now`: epoch ms. */
  decode (bytes: Buffer, own: Destination, now: number): Received
}

const signed = ({ from, payload }: { from: Destination, payload: Buffer }): Received => ({ payload, from, address: from.b32 })

export const FORMS: Readonly<Record<DatagramType, Form>> = {
  raw: {
    protocol: PROTOCOL.RAW,
    encode: (_from, _to, payload) => payload,
    decode: payload => ({ payload, address: '' })
  },
  datagram1: {
    protocol: PROTOCOL.DATAGRAM1,
    encode: (from, _to, payload) => encodeDatagram1(from, payload),
    decode: bytes => signed(decodeDatagram1(bytes))
  },
  datagram2: {
    protocol: PROTOCOL.DATAGRAM2,
    encode: (from, to, payload) => encodeDatagram2(from, to.hash, payload),
    decode: (bytes, own, now) => signed(decodeDatagram2(bytes, own.hash, Math.floor(now / 1000)))
  },
  datagram3: {
    protocol: PROTOCOL.DATAGRAM3,
    encode: (from, _to, payload) => encodeDatagram3({ fromHash: from.destination.hash, payload }),
    decode: bytes => {
      const { fromHash, payload } = decodeDatagram3(bytes)
      return { payload, address: `${toBase32(fromHash)}.b32.i2p` }
    }
  }
}
