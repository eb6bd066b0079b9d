import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { networkMissing, startNetwork } from '../../../test/testnet/network.ts'
import { openLink } from './link.ts'
import type { Options } from './options.ts'
import { tunnelsStand } from './witness.ts'
import { EXITS, faultsOf, startParty, watch, type Fault, type Party, type World } from './world.ts'

const ROUTERS = 8
/** Of the proxy and the three exits; the others only carry tunnels, are floodfills, or have the foreign site (2). */
const ROUTER_OF = [1, 3, 4, 5]
/** Until the first page came through i2pd's own tunnels, ms. */
const READY_TIMEOUT = 120_000

/** A closed network of real routers, each of which may die and come back. */
export async function startI2pd (folder: string, origin: string, options: Options): Promise<World> {
  const missing = networkMissing()
  if (missing !== undefined) throw new Error(missing)
  const { hops, delay, loss } = options
  const network = await startNetwork({ routers: ROUTERS, hops: [hops], delay, loss, signals: false, readyTimeout: READY_TIMEOUT })
  const links = await Promise.all(
    Array.from({ length: EXITS + 1 }, async (_, index) => await openLink(() => network.connect(ROUTER_OF[index]!)))
  )
  const end = async (party?: Party): Promise<void> => {
    await Promise.all([party?.proxy, ...party?.exits ?? []].map(async service => await service?.stop()))
    for (const link of links) link.close()
    await network.stop()
  }
  const routers = Array.from({ length: ROUTERS }, (_, i) => i + 1)
  const useOf = (k: number): string => k === ROUTER_OF[0]
    ? ", the proxy's"
    : ROUTER_OF.includes(k) ? `, of exit ${ROUTER_OF.indexOf(k)}` : ''
  try {
    const lengths = ['inbound.length', 'outbound.length'].flatMap(name => ['--i2cp-option', `${name}=${hops}`])
    const party = await startParty(folder, origin, options, index => links[index]!.address, lengths)
    return {
      proxy: party.proxy.json.proxy!,
      watched: [...[party.proxy, ...party.exits].map(watch), ...routers.map(
        k => ({ name: `router ${k}`, pid: () => pidOf(network.directory, k), folder: join(network.directory, `r${k}`) })
      )],
      faults: [
        ...routers.map((k): Fault => ({
          name: `router ${k} killed${useOf(k)}`,
          weight: 1,
          begin: async () => await network.kill(
            k
          ),
          end: async () => await network.start(k),
          ...(k === ROUTER_OF[0] && {
            usable: async (signal: AbortSignal) => await tunnelsStand(
              () => network.connect(k), { 'inbound.length': hops, 'outbound.length': hops }, signal
            )
          })
        })),
        ...links.map(({ cut }, index) => ({
          name: `session of ${index === 0 ? 'proxy' : `exit ${index}`} cut`, weight: 0.5, begin: cut, end: () => {}
        })),
        ...faultsOf(party)
      ],
      foreign: network.site(hops),
      close: async () => await end(party)
    }
  } catch (error) {
    await end()
    throw error
  }
}

/** Undefined while the router is dead. */
function pidOf (directory: string, k: number): number | undefined {
  try {
    return Number(readFileSync(join(directory, `r${k}`, 'pid'), 'latin1'))
  } catch {
    return undefined
  }
}
