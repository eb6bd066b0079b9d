import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Options } from './options.ts'
import { SITE } from './people.ts'
import { Service } from './service.ts'

/** Something that goes wrong and is mended again. */
export interface Fault {
  /** For example "router 3 killed". */
  name: string
  /** How often it is chosen, relative to others. */
  weight: number
  begin: () => void | Promise<void>
  end: () => void | Promise<void>
  /** Where all of the proxy's pages wait for what was broken: resolves when it can be used, by somebody else than the proxy. */
  usable?: (signal: AbortSignal) => Promise<void>
}

/** A process that is looked at. */
export interface Watched {
  name: string
  pid: () => number | undefined
  /** Its files: state, keys, caches; the log, if it has one there, apart. */
  folder: string
  service?: Service
}

export interface World {
  /** URL of the proxy. */
  proxy: string
  watched: Watched[]
  faults: Fault[]
  /** Name of a site behind a tunnel that is not ours. */
  foreign?: string
  close: () => Promise<void>
}

/** Exits: the first one's process is never touched, so that there is one to see growth at. */
export const EXITS = 3
/** MB; small, so that the bounds are met in the first hour. */
const CACHE_MEMORY = 4
const CACHE_DISK = 8

export interface Party { proxy: Service, exits: Service[] }

/** Exits and proxy, each at the router that `routerOf` names: 0 for the proxy, 1 and up for the exits. */
export async function startParty (
  folder: string, origin: string, options: Options, routerOf: (index: number) => string, extra: string[] = []
): Promise<Party> {
  const common = ['--log-level', options.logLevel, ...extra]
  const exits = Array.from({ length: EXITS }, (_, i) => {
    const own = join(folder, `exit${i + 1}`)
    return new Service(`exit ${i + 1}`, own, ['exit', '--router', routerOf(i + 1),
      '--keys', join(own, 'keys.dat'), '--state', join(own, 'state'), '--site', `${SITE}=${origin}`, ...common])
  })
  try {
    await Promise.all(exits.map(async exit => await exit.start()))
    const own = join(folder, 'proxy')
    const proxy = new Service('proxy', own, [
      'proxy', '--router', routerOf(0), '--proxy', `127.0.0.1:${await freePort()}`, '--state', join(own, 'state'), '--cache-memory',
      String(CACHE_MEMORY), '--cache-dir', join(own, 'cache'),
      '--cache-disk', String(CACHE_DISK), ...exits.flatMap(({ json }) => ['--exit', json.destination ?? '']), ...common
    ])
    await proxy.start()
    return { proxy, exits }
  } catch (error) {
    await Promise.all(exits.map(async exit => await exit.stop()))
    throw error
  }
}

/** Faults of the exits' processes: killed, and paused. */
export function faultsOf ({ exits }: Party): Fault[] {
  return exits.slice(1).flatMap(exit => [
    { name: `${exit.name} killed`, weight: 1, begin: async () => await exit.kill('SIGKILL'), end: async () => await exit.start() },
    { name: `${exit.name} paused`, weight: 0.5, begin: async () => await exit.kill('SIGSTOP'), end: async () => await exit.kill('SIGCONT') }
  ])
}

export function watch (service: Service): Watched {
  return { name: service.name, pid: () => service.pid, folder: service.folder, service }
}

export async function freePort (): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
