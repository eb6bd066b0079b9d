import { Destination } from '../data/destination.ts'
import { HASH_LENGTH } from '../data/lease.ts'
import { signatureType } from '../data/offline-signature.ts'
import type { ByteReader } from '../data/reader.ts'
import type { ByteWriter } from '../data/writer.ts'
import { malformed } from '../errors.ts'
import type { MessageCodec } from './codec.ts'
import { TYPE } from './types.ts'

const PRIVATE_KEY = 32
const FLAG = { PER_CLIENT: 1, PSK: 2, SECRET: 16 } as const
const ENDPOINT = { HASH: 0, NAME: 1, DESTINATION: 2, KEY: 3 } as const

export type BlindedEndpoint =
  | { readonly hash: Buffer }
  | { readonly name: string }
  | { readonly destination: Destination }
  | { readonly signingType: number, readonly publicKey: Buffer }

/** Client to router: how to reach an encrypted LeaseSet; no answer. I2CP, "BlindingInfoMessage". */
export interface BlindingInfo {
  readonly type: typeof TYPE.BlindingInfo
  readonly sessionId: number
  readonly endpoint: BlindedEndpoint
  readonly blindedType: number
  /** Epoch seconds. */
  readonly expiration: number
  /** X25519, 32 bytes: per-client authorization. Secret. */
  readonly clientKey?: { readonly scheme: 'dh' | 'psk', readonly key: Buffer }
  /** Secret. */
  readonly password?: string
}

/** What the caller has to say. */
export type BlindingDetails = Omit<BlindingInfo, 'type' | 'sessionId'>

export const blindingInfoCodec: MessageCodec<BlindingInfo> = {
  type: TYPE.BlindingInfo,
  name: 'BlindingInfo',
  write (message, writer) {
    const { clientKey, password } = message
    const flags = (clientKey === undefined ? 0 : FLAG.PER_CLIENT | (clientKey.scheme === 'psk' ? FLAG.PSK : 0)) |
      (password === undefined ? 0 : FLAG.SECRET)
    writer.u16(message.sessionId).u8(flags).u8(endpointType(message.endpoint)).u16(message.blindedType).u32(message.expiration)
    writeEndpoint(writer, message.endpoint)
    if (clientKey !== undefined) writer.put(clientKey.key)
    if (password !== undefined) writer.string(password)
  },
  read (reader) {
    const sessionId = reader.u16()
    const flags = reader.u8()
    const kind = reader.u8()
    const blindedType = reader.u16()
    const expiration = reader.u32()
    const endpoint = readEndpoint(kind, reader)
    const scheme = (flags & FLAG.PSK) !== 0 ? 'psk' : 'dh'
    const clientKey = (flags & FLAG.PER_CLIENT) !== 0 ? { scheme, key: reader.slice(PRIVATE_KEY) } as const : undefined
    const password = (flags & FLAG.SECRET) !== 0 ? reader.string() : undefined
    return {
      type: TYPE.BlindingInfo,
      sessionId,
      endpoint,
      blindedType,
      expiration,
      ...(clientKey && {
        clientKey
      }),
      ...(password !== undefined && { password })
    }
  }
}

function endpointType (endpoint: BlindedEndpoint): number {
  if ('hash' in endpoint) return ENDPOINT.HASH
  if ('name' in endpoint) return ENDPOINT.NAME
  return 'destination' in endpoint ? ENDPOINT.DESTINATION : ENDPOINT.KEY
}

function writeEndpoint (writer: ByteWriter, endpoint: BlindedEndpoint): void {
  if ('hash' in endpoint) writer.put(endpoint.hash)
  else if ('name' in endpoint) writer.string(endpoint.name)
  else if ('destination' in endpoint) writer.put(endpoint.destination.bytes)
  else writer.u16(endpoint.signingType).put(endpoint.publicKey)
}

function readEndpoint (kind: number, reader: ByteReader): BlindedEndpoint {
  switch (kind) {
    case ENDPOINT.HASH: return { hash: reader.slice(HASH_LENGTH) }
    case ENDPOINT.NAME: return { name: reader.string() }
    case ENDPOINT.DESTINATION: {
      const destination = Destination.parse(reader.bytes, reader.offset)
      reader.slice(destination.bytes.length)
      return { destination }
    }
    case ENDPOINT.KEY: {
      const signingType = reader.u16()
      return { signingType, publicKey: reader.slice(signatureType(signingType).publicKeyLength) }
    }
    default: throw malformed(`endpoint type ${kind}`)
  }
}
