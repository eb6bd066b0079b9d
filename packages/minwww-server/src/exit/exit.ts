import type { Destination } from '@minwww/i2cp/codec'
import { ServerError } from '../errors.ts'
import { directRoute, trustedRoute } from '../fetch/dialer.ts'
import { Fetcher } from '../fetch/fetcher.ts'
import { AddressGuard } from '../fetch/guard.ts'
import { NameResolver, serverLookup } from '../fetch/resolver.ts'
import { Sites } from '../fetch/sites.ts'
import { systemClock } from './clock.ts'
import { CoreDriver, type SendGate } from './core-driver.ts'
import { FetchQueue } from './fetch-queue.ts'
import { MessageService } from './message-service.ts'
import { DEFAULT_MAX_DECODED, DEFAULT_QUEUE, DEFAULT_TIMEOUTS, type ExitOptions } from './options.ts'
import { ownAddresses } from './own-addresses.ts'
import { silentLogger, type ExitCore } from './ports.ts'

export interface Exit {
  readonly destination: Destination
  /** Answers everything new with ERROR 10 (take another exit); resolves when the last request has its answer. */
  drain: (options?: { timeout?: number }) => Promise<void>
  /** Drains for up to `timeout` ms (default 0), then ends what is left. Does not close the session. */
  close: (options?: { timeout?: number }) => Promise<void>
  readonly stats: ExitStats
}

export interface ExitStats {
  /** Requests that wait or are being fetched. */
  active: number
  running: number
  waiting: number
  shed: number
}

const OPEN_GATE: SendGate = { readyAt: () => -Infinity, sent () {}, received () {} }

/** Wires an exit together around a core; `createExit` is the public way in. */
export function startExit (options: ExitOptions, core: ExitCore): Exit {
  const clock = options.clock ?? systemClock
  const logger = options.logger ?? silentLogger
  const { session } = options
  const fetcher = createFetcher(options, clock.now)
  const queue = new FetchQueue({ ...DEFAULT_QUEUE, ...options.queue }, clock.now)
  const service = new MessageService({
    driver: () => driver,
    fetcher,
    queue,
    clock,
    logger,
    logUrls: options.logUrls ?? false,
    limits: { maxDecoded: options.maxDecoded ?? DEFAULT_MAX_DECODED }
  })
  const driver = new CoreDriver({ core, session, clock, logger, gate: OPEN_GATE, onEvent: event => service.handle(event) })

  const drain = async ({ timeout = Infinity } = {}) => {
    let timer: { clear: () => void } | undefined
    const expired = new Promise<void>(resolve => { timer = clock.setTimer(resolve, timeout) })
    await Promise.race([service.drain(), expired])
    timer?.clear()
  }
  return {
    destination: session.destination,
    drain,
    async close ({ timeout = 0 } = {}) {
      await drain({ timeout })
      service.close()
      driver.close()
      await fetcher.close()
    },
    get stats () {
      return { active: service.active, running: queue.running, waiting: queue.waiting, shed: queue.shed }
    }
  }
}

function createFetcher (options: ExitOptions, now: () => number): Fetcher {
  const timeouts = { ...DEFAULT_TIMEOUTS, ...options.timeouts }
  const guard = new AddressGuard({
    allowAddresses: options.allowAddresses ?? [],
    denyAddresses: options.denyAddresses ?? [],
    ownAddresses: ownAddresses(options.ownAddresses ?? [], now),
    ...(options.ports === undefined ? {} : { ports: options.ports })
  })
  const lookup = options.nameServers === undefined ? {} : { lookup: serverLookup(options.nameServers) }
  const resolver = new NameResolver({ ...lookup, ...options.resolver })
  return new Fetcher({
    web: directRoute({ guard, resolver, connectTimeout: timeouts.connect }),
    trusted: trustedRoute(timeouts.connect),
    sites: new Sites(options.sites ?? {}, [options.session.destination.b32]),
    timeouts,
    admit: (_request, target, site) => {
      if (site !== undefined) return
      if (options.web === false || target.host.endsWith('.i2p')) {
        throw new ServerError('MINWWW_EXIT_POLICY', 'this exit does not serve that site')
      }
      if (!guard.permitsPort(target.port)) throw new ServerError('MINWWW_EXIT_POLICY', 'this exit does not connect to that port')
    },
    hiddenFields: { web: new Set(), sites: new Set() },
    ca: options.ca
  })
}
