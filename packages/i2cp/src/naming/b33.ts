import { crc32 } from 'node:zlib'
import { RED25519 } from '../crypto/signature-types.ts'
import { fromBase32, toBase32 } from '../data/base32.ts'
import { signatureType } from '../data/offline-signature.ts'
import { ByteReader } from '../data/reader.ts'
import { I2cpError } from '../errors.ts'

/** The address of an encrypted LeaseSet ("b33"). B32 for Encrypted LeaseSets specification. */
export interface BlindedAddress {
  readonly signingType: number
  readonly blindedType: number
  readonly signingPublicKey: Buffer
  /** A lookup password is needed. */
  readonly secretRequired: boolean
  /** A client key is needed. */
  readonly clientKeyRequired: boolean
}

const FLAG = { TWO_BYTE_TYPES: 1, SECRET: 2, CLIENT_KEY: 4 } as const
const KNOWN_FLAGS = 7
/** Flag and two types, xored with the checksum of what follows. */
const HEAD = 3
const SUFFIX = '.b32.i2p'
/** Shortest form, characters before the suffix; an ordinary b32 name has 52. */
export const MIN_B33 = 56

/** The host name, 56 characters and the suffix for Ed25519 and Red25519 keys. */
export function encodeB33 ({ signingType, signingPublicKey, secretRequired = false, clientKeyRequired = false }:
Pick<BlindedAddress, 'signingType' | 'signingPublicKey'> & Partial<BlindedAddress>): string {
  const flags = (secretRequired ? FLAG.SECRET : 0) | (clientKeyRequired ? FLAG.CLIENT_KEY : 0)
  const data = Buffer.concat([Buffer.of(flags, signingType, RED25519), signingPublicKey])
  mask(data)
  return toBase32(data) + SUFFIX
}

/** `name` with or without the suffix. Throws I2CP_BAD_ADDRESS, I2CP_UNSUPPORTED. */
export function decodeB33 (name: string): BlindedAddress {
  const data = fromBase32(name.replace(/\.b32\.i2p$/i, ''))
  if (data.length <= HEAD) throw new I2cpError('I2CP_BAD_ADDRESS', 'address too short')
  mask(data)
  const reader = new ByteReader(data)
  const flags = reader.u8()
  if ((flags & ~KNOWN_FLAGS) !== 0) throw new I2cpError('I2CP_BAD_ADDRESS', 'wrong checksum')
  if ((flags & FLAG.TWO_BYTE_TYPES) !== 0) throw new I2cpError('I2CP_UNSUPPORTED', 'two-byte signature types')
  const signingType = reader.u8()
  const blindedType = reader.u8()
  const signingPublicKey = reader.rest()
  // A wrong checksum shows as an impossible type: there is no other redundancy.
  if (blindedType !== RED25519 || signingPublicKey.length !== signatureType(signingType).publicKeyLength) {
    throw new I2cpError('I2CP_BAD_ADDRESS', 'wrong checksum or key length')
  }
  return {
    signingType,
    blindedType,
    signingPublicKey,
    secretRequired: (flags & FLAG.SECRET) !== 0,
    clientKeyRequired: (flags & FLAG.CLIENT_KEY) !== 0
  }
}

function mask (data: Buffer): void {
  const checksum = crc32(data.subarray(HEAD))
  for (let i = 0; i < HEAD; i++) data[i]! ^= (checksum >>> (8 * i)) & 0xff
}
