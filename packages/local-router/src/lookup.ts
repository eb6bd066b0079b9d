import { crc32 } from 'node:zlib'
import { Destination, fromBase32, HOST_REPLY, I2cpError, LOOKUP, TYPE } from '@minwww/i2cp/codec'
import type { DestLookup, Frame, HostLookup, HostReply, LookupKey } from '@minwww/i2cp/codec'
import type { Connection } from './connection.ts'
import type { RouterContext } from './context.ts'
import { destinationKey } from './netdb.ts'

/** Offset of the look-up type in a HostLookup: session ID (2), request ID (4), timeout (4). */
const LOOKUP_TYPE_OFFSET = 10
const REQUEST_ID_OFFSET = 2

const B32_SUFFIX = '.b32.i2p'

/** Characters of a hash in base32; a name with more carries a blinded Destination's key ("b33"). */
const B32_LENGTH = 52

/** Shortest Destination in base64. */
const MIN_BASE64 = 516

type Answer = Pick<HostReply, 'code' | 'destination' | 'options'>

export function lookUpDestination (connection: Connection, { hash }: DestLookup): void {
  later(connection, full => {
    const destination = full ? undefined : byKey(connection.context, destinationKey(hash))
    connection.send({ type: TYPE.DestReply, ...(destination === undefined ? { hash } : { destination }) })
  })
}

export function lookUpHost (connection: Connection, { sessionId, requestId, key }: HostLookup): void {
  later(connection, full => {
    const found = full ? { code: HOST_REPLY.FAILURE } : answer(connection.context, key)
    connection.send({ type: TYPE.HostReply, sessionId, requestId, ...found })
  })
}

/** A type that later versions may define is answered, not a reason to disconnect. */
export function answerUnsupportedLookup (connection: Connection, { type, body }: Frame): boolean {
  if (type !== TYPE.HostLookup || body.length <= LOOKUP_TYPE_OFFSET) return false
  if ((body[LOOKUP_TYPE_OFFSET] as number) <= LOOKUP.DESTINATION_OPTIONS) return false
  const sessionId = body.readUInt16BE(0)
  const requestId = body.readUInt32BE(REQUEST_ID_OFFSET)
  connection.send({ type: TYPE.HostReply, sessionId, requestId, code: HOST_REPLY.TYPE_UNSUPPORTED })
  return true
}

/** Answers after the time that a look-up takes; at once, with a failure, if too many are waiting. */
function later (connection: Connection, reply: (full: boolean) => void): void {
  const { context, lookups } = connection
  const { lookupTime, maxLookups } = context.options
  context.stats.lookups++
  if (lookupTime === 0 || lookups.size >= maxLookups) return reply(lookupTime !== 0)
  const timer = context.clock.setTimer(() => {
    lookups.delete(timer)
    reply(false)
  }, lookupTime)
  lookups.add(timer)
}

function answer (context: RouterContext, key: LookupKey): Answer {
  switch (key.lookupType) {
    case LOOKUP.HASH: return simple(byKey(context, destinationKey(key.hash)))
    case LOOKUP.NAME: return simple(byName(context, key.name))
    case LOOKUP.HASH_OPTIONS: return withOptions(context, byKey(context, destinationKey(key.hash)))
    case LOOKUP.NAME_OPTIONS: return withOptions(context, byName(context, key.name))
    case LOOKUP.DESTINATION_OPTIONS: return withOptions(context, key.destination)
  }
}

function simple (destination: Destination | undefined): Answer {
  return destination === undefined ? { code: HOST_REPLY.FAILURE } : { code: HOST_REPLY.SUCCESS, destination }
}

function withOptions (context: RouterContext, destination: Destination | undefined): Answer {
  if (destination === undefined) return { code: HOST_REPLY.LEASE_SET_NOT_FOUND }
  const leaseSet = context.netdb.published(context.clock.now(), destinationKey(destination))
  if (leaseSet === undefined) return { code: HOST_REPLY.LEASE_SET_NOT_FOUND, destination }
  return { code: HOST_REPLY.SUCCESS, destination, options: leaseSet.options }
}

function byKey (context: RouterContext, key: string): Destination | undefined {
  return context.netdb.published(context.clock.now(), key)?.destination ?? context.netdb.knownByHash(key)
}

function byName (context: RouterContext, name: string): Destination | undefined {
  try {
    if (name.toLowerCase().endsWith(B32_SUFFIX)) return byBase32(context, name.slice(0, -B32_SUFFIX.length))
    if (name.length >= MIN_BASE64) return Destination.fromBase64(name)
  } catch (error) {
    if (error instanceof I2cpError) return undefined
    throw error
  }
  return context.netdb.host(name)
}

function byBase32 (context: RouterContext, text: string): Destination | undefined {
  const bytes = fromBase32(text)
  if (text.length === B32_LENGTH) return byKey(context, destinationKey(bytes))
  if (text.length < B32_LENGTH) return undefined
  return context.netdb.blinded(context.clock.now(), blindedKey(bytes))
}

// B32 for encrypted LeaseSets: flags, two signature types (all three masked by a checksum), signing public key.
function blindedKey (bytes: Buffer): Buffer {
  const key = bytes.subarray(3)
  const flags = (bytes[0] as number) ^ (crc32(key) & 0xff)
  if ((flags & 1) !== 0) throw new I2cpError('I2CP_UNSUPPORTED', 'two-byte signature types')
  return key
}
