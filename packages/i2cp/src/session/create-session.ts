import { randomBytes } from 'node:crypto'
import { silentLogger } from '@minwww/ground'
import { systemClock } from '@minwww/ground/node'
import { LocalDestination } from '../crypto/local-destination.ts'
import { I2cpError } from '../errors.ts'
import { DEFAULT_NAME_CACHE, NameCache } from '../naming/cache.ts'
import { DEFAULT_BACKOFF, DEFAULT_TIMEOUTS } from './core/config.ts'
import { SessionCore } from './core/session-core.ts'
import type { SessionOptions } from './options.ts'
import { Session } from './session.ts'
import { interpretOptions } from './session-options.ts'
import { checkAddress, openTransport } from './transport.ts'

const DEFAULT_ROUTER = { host: '127.0.0.1', port: 7654 }

/**
 * Opens a session and resolves when it is ready: tunnels stand and the first LeaseSet is with the router. Rejects
 * with I2CP_CONNECT_FAILED, I2CP_INSECURE, I2CP_SESSION_REFUSED, I2CP_SESSION_INVALID, I2CP_TIMEOUT,
 * I2CP_ABORTED, I2CP_BAD_OPTION, I2CP_UNSUPPORTED.
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

/** Like createSession, without waiting: the session is 'connecting'. Throws I2CP_INSECURE, I2CP_BAD_OPTION, I2CP_UNSUPPORTED. */
export function openSession (options: SessionOptions): Session {
  const router = options.router ?? DEFAULT_ROUTER
  const { connect, username, password, random = randomBytes, logger = silentLogger, clock = systemClock } = options
  if (connect === undefined) checkAddress(router, options.allowPlainRemote ?? false)
  const keys = options.keys ?? LocalDestination.generate(random)
  const credentials = username === undefined ? {} : { 'i2cp.username': username, 'i2cp.password': password ?? '' }
  const { warnings, ...interpreted } = interpretOptions({ ...options.options, ...credentials }, keys)
  for (const warning of warnings) logger.warn({ destination: keys.destination.b32 }, warning)
  const core = new SessionCore({
    keys,
    random,
    ...interpreted,
    leaseSetDelay: options.leaseSetDelay ?? 'auto',
    reconnect: options.reconnect ?? true,
    waitForRouter: options.waitForRouter ?? false,
    timeouts: { ...DEFAULT_TIMEOUTS, ...options.timeouts },
    backoff: options.backoff ?? DEFAULT_BACKOFF
  })
  const open = connect === undefined ? (signal: AbortSignal) => openTransport(router, signal) : async () => connect()
  const cache = new NameCache({ ...DEFAULT_NAME_CACHE, ...options.nameCache })
  return new Session({ core, keys, open, clock, logger, cache, ...(options.hosts && { hosts: options.hosts }) })
}
