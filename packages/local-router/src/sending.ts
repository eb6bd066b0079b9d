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

/** Gives a client's message to the network and reports what is known of it. */
export function sendMessage (connection: Connection, message: SendMessage | SendMessageExpires): void {
  const { context } = connection
  const session = connection.sessions.get(message.sessionId)
  context.stats.messagesFromClients++
  const status = session === undefined ? MESSAGE_STATUS.BAD_SESSION : dispatch(context, session, message)
  if (status !== MESSAGE_STATUS.GUARANTEED_SUCCESS) context.stats.messagesRejected++
  if (message.nonce !== 0) report(connection, message, session?.reportsAccepted === true, status)
}

/** Brings a message that has come through the network to its client. */
export function deliver (context: RouterContext, { to, data }: Delivery<Buffer>): void {
  const session = context.sessions.get(to)
  session?.connection.sendPayload(session.id, context.stats.messagesToClients % MESSAGE_IDS, data)
}

/** Like i2pd, success only says that the message was handed to a tunnel. */
function dispatch (context: RouterContext, session: RouterSession, message: SendMessage | SendMessageExpires): number {
  const { clock, network, netdb } = context
  const now = clock.now()
  const { payload } = message
  if (session.state === 'building') return MESSAGE_STATUS.NO_LOCAL_TUNNELS
  if (netdb.leaseSet(now, session.key) === undefined) return MESSAGE_STATUS.BAD_LOCAL_LEASE_SET
  if (payload.length < MIN_PAYLOAD || payload.length > MAX_PAYLOAD_FIELD) return MESSAGE_STATUS.BAD_MESSAGE
  if (message.type === TYPE.SendMessageExpires && message.expiration <= now) return MESSAGE_STATUS.EXPIRED
  const to = destinationKey(message.destination)
  if (!reachable(context, session, to, now)) return MESSAGE_STATUS.NO_LEASE_SET
  if (message.type === TYPE.SendMessage || (message.flags & SEND_FLAG.NO_LEASE_SET) === 0) session.addContact(to)
  // The payload shares memory with a whole chunk of the stream, which must not live as long as the message travels.
  const accepted = network.send(now, { from: session.key, to, size: payload.length, data: Buffer.from(payload) })
  return accepted ? MESSAGE_STATUS.GUARANTEED_SUCCESS : MESSAGE_STATUS.OVERFLOW
}

function reachable (context: RouterContext, session: RouterSession, to: string, now: number): boolean {
  const leaseSet = context.netdb.leaseSet(now, to)
  if (leaseSet === undefined) return false
  return leaseSet.published || leaseSet.encrypted || context.sessions.get(to)?.hasContact(session.key) === true
}

function report (connection: Connection, { sessionId, nonce }: SendMessage | SendMessageExpires, accepted: boolean, status: number): void {
  const messageId = connection.context.stats.messagesFromClients % MESSAGE_IDS
  const head = { type: TYPE.MessageStatus, sessionId, messageId, size: 0, nonce }
  if (accepted) connection.send({ ...head, status: MESSAGE_STATUS.ACCEPTED })
  connection.send({ ...head, status })
}
