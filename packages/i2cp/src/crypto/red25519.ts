import { createHash } from 'node:crypto'
import { ed25519 } from '@noble/curves/ed25519.js'
import { I2cpError } from '../errors.ts'
import type { Random } from './keys.ts'

/**
 * Red25519 (signature type 11): Ed25519 with keys that can be re-randomized. Private keys are scalars mod L, little
 * endian. Signatures are those of the Encrypted LeaseSet specification, "Sign/Verify Calculations", as Java I2P and
 * i2pd make them: they verify as Ed25519. (The Red25519 specification's own draft hashes with a prefix and a length;
 * nobody on the network does.)
 */
const { Point } = ed25519
const { Fn } = Point
const SCALAR_LENGTH = 32
const SIGNING_RANDOM = 80

/** SHA-512 of the seed, first half, clamped. Red25519, CONVERT_ED25519_PRIVATE. */
export function red25519FromEd25519 (seed: Uint8Array): Buffer {
  const scalar = createHash('sha512').update(seed).digest().subarray(0, SCALAR_LENGTH)
  scalar[0]! &= 248
  scalar[31]! = (scalar[31]! & 63) | 64
  return scalar
}

/** 64 random bytes mod L. Red25519, GENERATE_PRIVATE. */
export function generateRed25519 (random: Random): Buffer { return encodeScalar(decodeScalar(random(64))) }

export function red25519PublicOf (scalar: Uint8Array): Buffer {
  return Buffer.from(Point.BASE.multiply(nonZero(decodeScalar(scalar))).toBytes())
}

/** (scalar + alpha) mod L. Red25519, RANDOMIZE_PRIVATE. */
export function blindPrivate (scalar: Uint8Array, alpha: Uint8Array): Buffer {
  return encodeScalar(Fn.add(decodeScalar(scalar), decodeScalar(alpha)))
}

/** A + [alpha] B. Red25519, RANDOMIZE_PUBLIC. Throws I2CP_MALFORMED when the key is no point of the curve. */
export function blindPublic (publicKey: Uint8Array, alpha: Uint8Array): Buffer {
  try {
    const point = Point.fromBytes(publicKey)
    return Buffer.from(point.add(Point.BASE.multiply(nonZero(decodeScalar(alpha)))).toBytes())
  } catch (error) {
    throw new I2cpError('I2CP_MALFORMED', 'the signing key is no point of the curve', { cause: error })
  }
}

export function signRed25519 (scalar: Uint8Array, data: Uint8Array, random: Random): Buffer {
  const secret = decodeScalar(scalar)
  const publicKey = red25519PublicOf(scalar)
  const r = hashToScalar(random(SIGNING_RANDOM), publicKey, data)
  const commitment = Buffer.from(Point.BASE.multiply(nonZero(r)).toBytes())
  const challenge = hashToScalar(commitment, publicKey, data)
  return Buffer.concat([commitment, encodeScalar(Fn.add(r, Fn.mul(challenge, secret)))])
}

/** Little-endian bytes of any length, mod L. */
export function decodeScalar (bytes: Uint8Array): bigint {
  return Fn.create(BigInt('0x' + Buffer.from(bytes).reverse().toString('hex')))
}

export function encodeScalar (scalar: bigint): Buffer {
  return Buffer.from(scalar.toString(16).padStart(SCALAR_LENGTH * 2, '0'), 'hex').reverse()
}

function hashToScalar (...parts: Uint8Array[]): bigint {
  const hash = createHash('sha512')
  for (const part of parts) hash.update(part)
  return decodeScalar(hash.digest())
}

/** 0 happens once in 2^252; the library refuses to multiply by it. */
function nonZero (scalar: bigint): bigint {
  if (scalar === 0n) throw new I2cpError('I2CP_BAD_KEYS', 'a zero scalar')
  return scalar
}
