import { Closers } from '@minwww/ground/node'
import type { Missing } from '../missing.ts'
import { makeOutproxyKeys } from '../worlds/outproxy-keys.ts'
import { routersMissing, startClosedNetwork, type RouterKind } from '../worlds/closed-network.ts'
import { openRivals, type Outproxy, type Rival } from '../worlds/router-rivals.ts'
import { startSite } from '../worlds/site.ts'
import type { ScenarioContext, Settings } from './scenario.ts'

/** Which networks of real routers: each kind with each loss. Latency (ms) and loss (percent) are those of one link, one way. */
export interface Networks {
  readonly kinds: readonly RouterKind[]
  /** Tunnel lengths. */
  readonly hops: readonly number[]
  readonly latency: number
  readonly losses: readonly number[]
  /** Routers' own tunnels lead to pages with pictures. Default false. */
  readonly pages?: boolean
  /** The rivals are the routers' own way to an outproxy. Default: to the web server itself. */
  readonly outproxy?: Outproxy | undefined
}

/** What a scenario over the local model is told of the rivals in a network. */
const OUTPROXY_NOTE = 'Over routers latency and loss are those of one link between two of them, one way. Rival on i2pd: its own ' +
  'HTTP proxy with an outproxy, which is one of its server tunnels; on Java and mixed routers (the client on a Java router, the server ' +
  'on i2pd): forwarders on Java I2P\'s own streaming library to an outproxy.'

/** Networks for a scenario that runs over the local model without `--routers`. */
export function networksOf ({ hops = [3], latency = 10, loss: losses = [0] }: Settings, kinds: readonly RouterKind[]): Networks {
  return { kinds, hops, latency, losses }
}

/** A rival, and what its path is. */
export interface PathRival extends Rival { readonly path: Record<string, number | string> }

/**
 * Runs in networks for a scenario that runs over the local model without `--routers`; rivals lead to an outproxy.
 * @param options - for the report, beside those of the networks
 */
export async function inOutproxyNetworks (
  context: ScenarioContext, { kinds, outproxy, options = {} }: { kinds: readonly RouterKind[], outproxy: Outproxy, options?: object },
  run: (rivals: PathRival[], where: string) => Promise<void>
): Promise<void> {
  const { settings, out } = context
  const networks = networksOf(settings, kinds)
  const { hops, latency, losses } = networks
  Object.assign(out.options, { routers: kinds, hops, latency, losses, ...options })
  out.note(OUTPROXY_NOTE)
  await inNetworks(context, { ...networks, outproxy }, async (rivals, { kind, loss }) => {
    const path = ({ length }: Rival): PathRival['path'] => ({ routers: kind, hops: length, latency, loss })
    await run(rivals.map(rival => ({ ...rival, path: path(rival) })), `${kind}, ${loss} % loss`)
  })
}

/** Why none of them can run here. One that can run is enough: the others are named as missing in the report. */
export async function networksMissing ({ kinds, ...links }: Omit<Networks, 'hops' | 'pages' | 'outproxy'>): Promise<Missing | undefined> {
  const missing = await Promise.all(kinds.map(async kind => await missingOf(kind, links)))
  return missing.every(one => one !== undefined) ? missing[0] : undefined
}

async function missingOf (kind: RouterKind, { latency, losses }: Pick<Networks, 'latency' | 'losses'>): Promise<Missing | undefined> {
  return await routersMissing(kind, kind !== 'i2pd' || latency > 0 || losses.some(share => share > 0))
}

/** Starts one network after the other, and runs in each with its rivals; the settings may name a few of them. */
export async function inNetworks (
  context: ScenarioContext, { kinds, hops, latency, losses, pages = false, outproxy }: Networks,
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
        const keys = outproxy === undefined ? undefined : closers.add(makeOutproxyKeys(lengths), keys => keys.close())
        const links = { hops: lengths, delay: latency, loss: loss / 100, seed, pages, outproxy: keys }
        const network = closers.add(await startClosedNetwork(kind, links, signal), network => network.stop())
        const site = closers.add(await startSite(), site => site.close())
        const all = await openRivals(kind, { closers, network, site, lengths, signal, progress, pages, outproxy })
        await run(all.filter(({ design }) => designs === undefined || designs.includes(design)), { kind, loss })
      } finally {
        await closers.close()
      }
    }
  }
}
