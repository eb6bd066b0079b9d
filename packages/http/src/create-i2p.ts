import type { AgentOptions } from 'node:http'
import { systemClock } from '@minwww/ground/node'
import { createSession, LocalDestination, loadOrCreateKeys } from '@minwww/i2cp'
import type { Session } from '@minwww/i2cp'
import { createStreamManager } from '@minwww/streaming'
import type { Environment, StreamManager, StreamingOptions } from '@minwww/streaming'
import { I2pAgent, I2pHttpsAgent } from './agents.ts'
import { DatagramHub } from './datagrams/hub.ts'
import { Dialer } from './dialer.ts'
import { createDispatcher } from './dispatcher.ts'
import { toI2pError } from './errors.ts'
import { createFetch } from './fetch.ts'
import { I2p } from './i2p.ts'
import { KnownDestinations } from './known.ts'
import { parseRouter, settingsOf, splitOptions } from './options.ts'
import type { CreateOptions } from './options.ts'
import { assertRuntime } from './runtime.ts'

/**
 * One session with a router, for clients and servers of every kind; resolves when its tunnels stand. Rejects with I2P_NO_ROUTER,
 * I2P_BAD_OPTION, I2P_TIMEOUT, I2P_ABORTED, I2P_UNSUPPORTED, or the system's error for a key file.
 */
export async function createI2p (options: CreateOptions = {}): Promise<I2p> {
  try {
    return await create(options)
  } catch (error) {
    throw toI2pError(error)
  }
}

async function create (options: CreateOptions): Promise<I2p> {
  const { keys, logger, signal, clock = systemClock, tls = {} } = options
  const { connections, keepAliveTimeout, ...settings } = settingsOf(options)
  const { session: sessionOptions, streaming } = splitOptions(options)
  assertRuntime(process.versions)
  // Not at import: it sets a symbol of its own on globalThis. By its file: Bun puts another module in the place of `undici`, which
  // takes no dispatcher and would ask DNS.
  const undici = await import('undici/index.js')
  const session = await createSession({
    ...options.session,
    ...routerOf(options.router),
    ...(keys !== undefined && { keys: keys instanceof LocalDestination ? keys : await loadOrCreateKeys(keys) }),
    options: sessionOptions,
    clock,
    ...(signal && { signal }),
    ...(logger && { logger })
  })
  const streams = await openStreams(session, streaming, { clock, ...(logger && { logger }) })
  const known = new KnownDestinations()
  const dialer = new Dialer({ session, streams, known, clock, lookupTimeout: settings.lookupTimeout })
  const agentOptions: AgentOptions = { keepAlive: true, maxSockets: connections, timeout: keepAliveTimeout }
  const dispatcher = createDispatcher(undici, dialer, {
    connections, keepAliveTimeout, headersTimeout: settings.requestTimeout, bodyTimeout: settings.bodyTimeout, tls
  })
  return new I2p({
    session,
    streams,
    dialer,
    hub: new DatagramHub({ session, dialer, known, clock }),
    agent: new I2pAgent(dialer, agentOptions),
    httpsAgent: new I2pHttpsAgent(dialer, agentOptions),
    dispatcher,
    fetch: createFetch({ fetch: undici.fetch, dispatcher, known, requestTimeout: settings.requestTimeout })
  })
}

async function openStreams (
  session: Session, options: Partial<StreamingOptions>, environment: Partial<Environment>
): Promise<StreamManager> {
  try {
    const { signingType } = session.keys.destination
    return createStreamManager(session, { destinationSigType: signingType, ...options }, environment)
  } catch (error) {
    await session.close()
    throw error
  }
}

type Where = Pick<NonNullable<Parameters<typeof createSession>[0]>, 'router' | 'connect'>

function routerOf (router: CreateOptions['router']): Where {
  if (router === undefined) return {}
  if (typeof router === 'string') return { router: parseRouter(router) }
  if ('connect' in router) return { connect: () => router.connect() }
  return { router }
}
