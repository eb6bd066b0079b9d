import { NO_SESSION, SESSION_STATUS, TYPE, verifySessionConfig } from '@minwww/i2cp/codec'
import type { CreateSession, ReconfigureSession, SessionConfig } from '@minwww/i2cp/codec'
import type { Connection } from './connection.ts'
import type { RouterContext } from './context.ts'
import { RouterError } from './errors.ts'
import { destinationKey } from './netdb.ts'
import { RouterSession } from './session.ts'

/** How far the date of a session configuration may be from the router's, ms (I2CP, "Session Config"). */
const MAX_SKEW = 30_000

export function createSession (connection: Connection, { config }: CreateSession): void {
  const { context, sessions } = connection
  const refuse = (status: number, reason: string): void => {
    context.logger.debug({ status, reason }, 'I2CP session refused')
    connection.send({ type: TYPE.SessionStatus, sessionId: NO_SESSION, status })
  }
  const flaw = flawOf(context, config)
  if (flaw !== undefined) return refuse(SESSION_STATUS.INVALID, flaw)
  if (context.sessions.get(destinationKey(config.destination)) !== undefined) {
    return refuse(SESSION_STATUS.REFUSED, 'the Destination has a session')
  }
  if (sessions.size >= context.options.maxSessionsPerConnection) {
    return refuse(SESSION_STATUS.REFUSED, 'too many sessions on the connection')
  }
  if (context.sessions.full) return refuse(SESSION_STATUS.REFUSED, 'too many sessions')
  const session = new RouterSession(context, connection, context.sessions.nextId(), config.destination, config.options)
  sessions.set(session.id, session)
  context.sessions.add(session)
  // Last: a client that does not read is cut here, with its sessions.
  connection.send({ type: TYPE.SessionStatus, sessionId: session.id, status: SESSION_STATUS.CREATED })
}

export function reconfigureSession (connection: Connection, { sessionId, config }: ReconfigureSession): void {
  const session = sessionOf(connection, sessionId)
  const flaw = session.destination.equals(config.destination) ? flawOf(connection.context, config) : 'another Destination'
  if (flaw === undefined) session.options = { ...session.options, ...config.options }
  const status = flaw === undefined ? SESSION_STATUS.UPDATED : SESSION_STATUS.INVALID
  connection.send({ type: TYPE.SessionStatus, sessionId, status })
}

/** The primary session takes the others and the connection with it. */
export function destroySession (connection: Connection, sessionId: number): void {
  const session = sessionOf(connection, sessionId)
  const primary = connection.sessions.keys().next().value === sessionId
  connection.closeSession(session)
  connection.send({ type: TYPE.SessionStatus, sessionId, status: SESSION_STATUS.DESTROYED })
  if (primary) connection.end()
}

/** @throws RouterError ROUTER_PROTOCOL_ERROR */
export function sessionOf (connection: Connection, id: number): RouterSession {
  const session = connection.sessions.get(id)
  if (session === undefined) throw new RouterError('ROUTER_PROTOCOL_ERROR', `no session ${id}`)
  return session
}

function flawOf (context: RouterContext, config: SessionConfig): string | undefined {
  if (Math.abs(config.date - context.clock.now()) > MAX_SKEW) return 'date too far from the router\'s'
  try {
    return verifySessionConfig(config) ? undefined : 'bad signature'
  } catch {
    return 'a signature type that cannot be verified'
  }
}
