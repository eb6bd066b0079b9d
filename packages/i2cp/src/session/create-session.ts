import { randomBytes } from 'node:crypto'
import { LocalDestination } from '../crypto/local-destination.ts'
import { X25519 } from '../crypto/encryption-types.ts'
import { I2cpError } from '../errors.ts'
import { systemClock } from './clock.ts'
import { DEFAULT_BACKOFF, DEFAULT_TIMEOUTS } from './core/config.ts'
import { SessionCore } from './core/session-core.ts'
import { silentLogger } from './logger.ts'
import { DEFAULT_SESSION_OPTIONS } from './options.ts'
import type { SessionOptions } from './options.ts'
import { Session } from './session.ts'
import { checkAddress, openTransport } from './transport.ts'

const DEFAULT_ROUTER = { host: '127.0.0.1', port: 7654 }

/**
 * Opens a session and resolves when it is ready: tunnels stand and the first LeaseSet is with the router. Rejects
 * with I2CP_CONNECT_FAILED, I2CP_INSECURE, I2CP_SESSION_REFUSED, I2CP_SESSION_INVALID, I2CP_TIMEOUT, I2CP_ABORTED.
 */
export function createSession (options: SessionOptions = {}): Promise<Session> {
  return new Promise((resolve, reject) => {
    const { signal } = options
    if (signal?.aborted === true) throw new I2cpError('I2CP_ABORTED')
    const session = openSession(options)
    const abort = () => session.abort(new I2cpError('I2CP_ABORTED'))
    const closed = (error: I2cpError | undefined) => reject(error ?? new I2cpError('I2CP_SESSION_CLOSED'))
    const changed = (state: string) => {
      if (state !== 'ready') return
      session.off('state', changed)
      session.off('close', closed)
      resolve(session)
    }
    session.on('state', changed)
    session.once('close', closed)
    session.once('close', () => signal?.removeEventListener('abort', abort))
    signal?.addEventListener('abort', abort, { once: true })
  })
}

/** Like createSession, without waiting: the session is 'connecting'. Throws I2CP_INSECURE. */
export function openSession (options: SessionOptions): Session {
  const router = options.router ?? DEFAULT_ROUTER
  const { connect, username, password, random = randomBytes, reconnect = true, waitForRouter = false } = options
  if (connect === undefined) checkAddress(router, options.allowPlainRemote ?? false)
  const keys = options.keys ?? LocalDestination.generate(random)
  const core = new SessionCore({
    keys,
    random,
    options: { ...DEFAULT_SESSION_OPTIONS, ...options.options },
    leaseSet: { encryptionTypes: [X25519], options: {}, unpublished: false },
    ...(username !== undefined && { authentication: { 'i2cp.username': username, 'i2cp.password': password ?? '' } }),
    leaseSetDelay: options.leaseSetDelay ?? 'auto',
    reconnect,
    waitForRouter,
    timeouts: { ...DEFAULT_TIMEOUTS, ...options.timeouts },
    backoff: options.backoff ?? DEFAULT_BACKOFF
  })
  const open = connect === undefined ? (signal: AbortSignal) => openTransport(router, signal) : async () => connect()
  return new Session({ core, keys, open, clock: options.clock ?? systemClock, logger: options.logger ?? silentLogger })
}
