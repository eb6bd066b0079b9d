import { MESSAGE_STATUS, SEND_FLAG, TYPE } from '@minwww/i2cp/codec'
import type { SendMessage, SendMessageExpires } from '@minwww/i2cp/codec'
import type { Connection } from './connection.ts'
import type { RouterContext } from './context.ts'
import { destinationKey } from './netdb.ts'
import type { Delivery } from './network/flight.ts'
import type { RouterSession } from './session.ts'

/** A gzip container is at least a header and a trailer. */
const MIN_PAYLOAD = 18

/** Above this a router takes the message for broken; what is too large for the tunnels below it is lost in silence. */
const MAX_PAYLOAD_FIELD = 65_536

const MESSAGE_IDS = 2 ** 32

type Sent = SendMessage | SendMessageExpires

/** Gives a client's message to the network and reports what is known of it. */
export function sendMessage (connection: Connection, message: Sent): void {
  const { context } = connection
  const session = connection.sessions.get(message.sessionId)
  context.stats.messagesFromClients++
  if (session === undefined) return conclude(connection, message, MESSAGE_STATUS.BAD_SESSION)
  if (message.nonce !== 0 && session.reportsAccepted) report(connection, message, MESSAGE_STATUS.ACCEPTED)
  // The payload shares memory with a whole chunk of the stream, which must not live as long as the message travels.
  const own = { ...message, payload: Buffer.from(message.payload) }
  const flaw = flawOf(context, session, own)
  if (flaw !== undefined) return conclude(connection, message, flaw)
  const to = destinationKey(message.destination)
  const send = (): void => conclude(connection, message, dispatch(context, session, own, to))
  if (reachable(context, session, to)) return send()
  if (!context.waitingRoom.wait(to, own.payload.length, send)) send()
}

/** Brings a message that has come through the network to its client. */
export function deliver (context: RouterContext, { to, data }: Delivery<Buffer>): void {
  const session = context.sessions.get(to)
  session?.client.sendPayload(session.id, context.stats.messagesToClients % MESSAGE_IDS, data)
}

function flawOf ({ clock, netdb }: RouterContext, session: RouterSession, message: Sent): number | undefined {
  const { length } = message.payload
  if (session.state === 'building') return MESSAGE_STATUS.NO_LOCAL_TUNNELS
  if (netdb.leaseSet(clock.now(), session.key) === undefined) return MESSAGE_STATUS.BAD_LOCAL_LEASE_SET
  if (length < MIN_PAYLOAD || length > MAX_PAYLOAD_FIELD) return MESSAGE_STATUS.BAD_MESSAGE
  return undefined
}

/** Like i2pd, success only says that the message was handed to a tunnel. */
function dispatch (context: RouterContext, session: RouterSession, message: Sent, to: string): number {
  const now = context.clock.now()
  if (session.state === 'closed') return MESSAGE_STATUS.BAD_SESSION
  if (message.type === TYPE.SendMessageExpires && isPast(message.expiration, now)) return MESSAGE_STATUS.EXPIRED
  if (!reachable(context, session, to)) return MESSAGE_STATUS.NO_LEASE_SET
  if (message.type === TYPE.SendMessage || (message.flags & SEND_FLAG.NO_LEASE_SET) === 0) session.addContact(to)
  const { payload } = message
  const accepted = context.network.send(now, { from: session.key, to, size: payload.length, data: payload })
  return accepted ? MESSAGE_STATUS.GUARANTEED_SUCCESS : MESSAGE_STATUS.OVERFLOW
}

/** A Date of 0 is none (Common structures, "Date"); Java's streaming sends its bare ACKs so. */
function isPast (expiration: number, now: number): boolean {
  return expiration !== 0 && expiration <= now
}

function reachable ({ clock, netdb, sessions }: RouterContext, session: RouterSession, to: string): boolean {
  const leaseSet = netdb.leaseSet(clock.now(), to)
  if (leaseSet === undefined) return false
  return leaseSet.published || leaseSet.encrypted || sessions.get(to)?.hasContact(session.key) === true
}

function conclude (connection: Connection, message: Sent, status: number): void {
  if (status !== MESSAGE_STATUS.GUARANTEED_SUCCESS) connection.context.stats.messagesRejected++
  if (message.nonce !== 0) report(connection, message, status)
}

function report (connection: Connection, { sessionId, nonce }: Sent, status: number): void {
  const messageId = connection.context.stats.messagesFromClients % MESSAGE_IDS
  connection.send({ type: TYPE.MessageStatus, sessionId, messageId, status, size: 0, nonce })
}
