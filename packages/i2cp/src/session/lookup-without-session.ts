import type { Duplex } from 'node:stream'
import type { Destination } from '../data/destination.ts'
import { I2cpError } from '../errors.ts'
import { NO_SESSION } from '../messages/codec.ts'
import { decodeMessage, encodeMessage, FrameReader, PROTOCOL_BYTE } from '../messages/frame.ts'
import { LOOKUP } from '../messages/host-lookup.ts'
import type { LookupKey } from '../messages/host-lookup.ts'
import { TYPE } from '../messages/types.ts'
import { parseAddress } from '../naming/address.ts'
import type { Address } from '../naming/address.ts'
import type { SessionOptions } from './options.ts'
import { CLIENT_VERSION } from './quirks.ts'
import { checkAddress, openTransport } from './transport.ts'

const REQUEST_ID = 1

/** What is asked for: whose router, what the look-up may take (ms), and what ends it. */
export interface SessionlessLookup extends Pick<SessionOptions, 'router' | 'connect' | 'allowPlainRemote' | 'signal'> {
  readonly timeout?: number
}

/**
 * Asks a router for a Destination without a session, which needs no tunnels: i2pd and Java I2P answer. Undefined where the
 * router does not, or does not find it: a session of one's own may find more. Never rejects for what a router says.
 * Throws I2CP_BAD_ADDRESS, I2CP_INSECURE; I2CP_CONNECT_FAILED.
 */
export async function lookupWithoutSession (name: string, options: SessionlessLookup = {}): Promise<Destination | undefined> {
  const address = parseAddress(name)
  if (address.kind === 'destination') return address.destination
  const { router = { host: '127.0.0.1', port: 7654 }, connect, timeout = 5_000 } = options
  if (connect === undefined) checkAddress(router, options.allowPlainRemote ?? false)
  const ending = new AbortController()
  const limit = AbortSignal.any([ending.signal, ...(options.signal === undefined ? [] : [options.signal])])
  const timer = setTimeout(() => ending.abort(), timeout)
  let transport: Duplex | undefined
  try {
    transport = connect === undefined ? await openTransport(router, limit) : await connect()
    return await ask(transport, keyOf(address), timeout, limit)
  } finally {
    clearTimeout(timer)
    transport?.destroy()
  }
}

function keyOf (address: Exclude<Address, { kind: 'destination' }>): LookupKey {
  return address.kind === 'hash' ? { lookupType: LOOKUP.HASH, hash: address.hash } : { lookupType: LOOKUP.NAME, name: address.name }
}

async function ask (transport: Duplex, key: LookupKey, timeout: number, limit: AbortSignal): Promise<Destination | undefined> {
  return await new Promise(resolve => {
    const reader = new FrameReader()
    const nothing = (): void => resolve(undefined)
    limit.addEventListener('abort', nothing, { once: true })
    transport.on('error', nothing)
    transport.on('close', nothing)
    transport.on('data', (chunk: Buffer) => {
      try {
        for (const { type, body } of reader.push(chunk)) {
          if (type !== TYPE.HostReply) continue
          const reply = decodeMessage(type, body)
          if (reply.type !== TYPE.HostReply || reply.requestId !== REQUEST_ID) continue
          resolve(isAsked(reply.destination, key) ? reply.destination : undefined)
        }
      } catch (error) {
        if (!(error instanceof I2cpError)) throw error
        nothing()
      }
    })
    transport.write(Buffer.concat([
      Buffer.of(PROTOCOL_BYTE),
      encodeMessage({ type: TYPE.GetDate, version: CLIENT_VERSION }),
      encodeMessage({ type: TYPE.HostLookup, sessionId: NO_SESSION, requestId: REQUEST_ID, timeout, key })
    ]))
    if (limit.aborted) nothing()
  })
}

/** A router cannot give another Destination than the one that has this hash. */
function isAsked (destination: Destination | undefined, key: LookupKey): boolean {
  return destination !== undefined && (!('hash' in key) || key.hash.equals(destination.hash))
}
