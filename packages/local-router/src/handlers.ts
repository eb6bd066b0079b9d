import { createHash, timingSafeEqual } from 'node:crypto'
import { decodeMessage, TYPE } from '@minwww/i2cp/codec'
import type { BandwidthLimits, Frame, GetDate, Message } from '@minwww/i2cp/codec'
import type { Connection } from './connection.ts'
import { RouterError } from './errors.ts'
import { acceptLeaseSet } from './lease-sets.ts'
import { answerUnsupportedLookup, lookUpDestination, lookUpHost } from './lookup.ts'
import { createSession, destroySession, reconfigureSession } from './session-messages.ts'
import { sendMessage } from './sending.ts'

/** The API version whose messages this router knows. */
export const API_VERSION = '0.9.67'

/** KB/s that stand for a network without a limit in BandwidthLimits. */
const UNLIMITED_KBPS = 1_048_576

const BYTES_PER_KB = 1_024

/** Acts on one frame of a client. @throws RouterError, I2cpError when the client has to be disconnected */
export function handleFrame (connection: Connection, frame: Frame): void {
  if (!connection.authenticated && frame.type !== TYPE.GetDate) throw new RouterError('ROUTER_PROTOCOL_ERROR', 'authentication required')
  if (answerUnsupportedLookup(connection, frame)) return
  handleMessage(connection, decodeMessage(frame.type, frame.body))
}

function handleMessage (connection: Connection, message: Message): void {
  switch (message.type) {
    case TYPE.GetDate: return getDate(connection, message)
    case TYPE.CreateSession: return createSession(connection, message)
    case TYPE.ReconfigureSession: return reconfigureSession(connection, message)
    case TYPE.DestroySession: return destroySession(connection, message.sessionId)
    case TYPE.CreateLeaseSet:
    case TYPE.CreateLeaseSet2: return acceptLeaseSet(connection, message)
    case TYPE.SendMessage:
    case TYPE.SendMessageExpires: return sendMessage(connection, message)
    case TYPE.DestLookup: return lookUpDestination(connection, message)
    case TYPE.HostLookup: return lookUpHost(connection, message)
    case TYPE.GetBandwidthLimits: return connection.send(bandwidthLimits(connection))
    case TYPE.Disconnect: return connection.end()
    // Nothing to do: messages are pushed (fastReceive), and look-ups of blinded Destinations need no key here.
    case TYPE.ReceiveMessageBegin:
    case TYPE.ReceiveMessageEnd:
    case TYPE.BlindingInfo:
    case TYPE.ReportAbuse: return
    default: throw new RouterError('ROUTER_PROTOCOL_ERROR', `message type ${message.type} is not for a router`)
  }
}

function getDate (connection: Connection, message: GetDate): void {
  const { auth } = connection.context.options
  if (auth !== undefined && !connection.authenticated) {
    const given = message.authentication ?? {}
    const valid = same(given['i2cp.username'] ?? '', auth.username) && same(given['i2cp.password'] ?? '', auth.password)
    if (!valid) throw new RouterError('ROUTER_PROTOCOL_ERROR', 'authentication failed')
    connection.authenticated = true
  }
  connection.send({ type: TYPE.SetDate, date: Math.floor(connection.context.clock.now()), version: API_VERSION })
}

function bandwidthLimits (connection: Connection): BandwidthLimits {
  const { bandwidth } = connection.context.network.options
  const rate = bandwidth === 0 ? UNLIMITED_KBPS : Math.max(1, Math.floor(bandwidth / BYTES_PER_KB))
  const limits = {
    clientInbound: rate,
    clientOutbound: rate,
    routerInbound: rate,
    routerInboundBurst: rate,
    routerOutbound: rate,
    routerOutboundBurst: rate,
    burstTime: 1
  }
  return { type: TYPE.BandwidthLimits, limits }
}

// In constant time, whatever the lengths.
function same (a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(a), digest(b))
}
