import { Closers } from '@minwww/ground/node'
import type { Missing } from '../missing.ts'
import { routersMissing, startClosedNetwork, type RouterKind } from '../worlds/closed-network.ts'
import { openRivals, type Rival } from '../worlds/router-rivals.ts'
import { startSite } from '../worlds/site.ts'
import type { ScenarioContext } from './scenario.ts'

/** Which networks of real routers: each kind with each loss. Latency (ms) and loss (percent) are those of one link, one way. */
export interface Networks {
  readonly kinds: readonly RouterKind[]
  /** Tunnel lengths. */
  readonly hops: readonly number[]
  readonly latency: number
  readonly losses: readonly number[]
  /** Routers' own tunnels lead to pages with pictures. Default false. */
  readonly pages?: boolean
}

/** Why none of them can run here. One that can run is enough: the others are named as missing in the report. */
export async function networksMissing ({ kinds, ...links }: Omit<Networks, 'hops' | 'pages'>): Promise<Missing | undefined> {
  const missing = await Promise.all(kinds.map(async kind => await missingOf(kind, links)))
  return missing.every(one => one !== undefined) ? missing[0] : undefined
}

async function missingOf (kind: RouterKind, { latency, losses }: Pick<Networks, 'latency' | 'losses'>): Promise<Missing | undefined> {
  return await routersMissing(kind, kind !== 'i2pd' || latency > 0 || losses.some(share => share > 0))
}

/** Starts one network after the other, and runs in each with its rivals; the settings may name a few of them. */
export async function inNetworks (
  context: ScenarioContext, { kinds, hops, latency, losses, pages = false }: Networks,
  run: (rivals: Rival[], network: { kind: RouterKind, loss: number }) => Promise<void>
): Promise<void> {
  const { seed, signal, progress, out, settings: { designs } } = context
  for (const kind of kinds) {
    const missing = await missingOf(kind, { latency, losses })
    if (missing !== undefined) {
      out.note(`${kind} routers skipped: ${missing.reason}. To get them: ${missing.hint}.`)
      continue
    }
    // Java routers build no tunnels without a hop.
    const lengths = kind === 'i2pd' ? [...hops] : hops.filter(length => length > 0)
    for (const loss of losses) {
      const closers = new Closers()
      try {
        progress(`starting 8 ${kind} routers in namespaces, ${latency} ms and ${loss} % loss a link`)
        const links = { hops: lengths, delay: latency, loss: loss / 100, seed, pages }
        const network = closers.add(await startClosedNetwork(kind, links, signal), network => network.stop())
        const site = closers.add(await startSite(), site => site.close())
        const all = await openRivals(kind, { closers, network, site, lengths, signal, progress, pages })
        await run(all.filter(({ design }) => designs === undefined || designs.includes(design)), { kind, loss })
      } finally {
        await closers.close()
      }
    }
  }
}
