import { interleave } from '../measure.ts'
import { Closers } from '../worlds/closers.ts'
import type { Client } from '../worlds/design.ts'
import { i2pdMissing, startI2pdNetwork, type ClosedNetwork } from '../worlds/i2pd-network.ts'
import { minwwwDesign } from '../worlds/minwww-design.ts'
import { SITE, startSite } from '../worlds/site.ts'
import { fetchBytes, measure, warmUp, warmUpInWords } from './samples.ts'
import { KB, type Scenario, type ScenarioContext } from './scenario.ts'

interface Plan { hops: number[], latency: number, losses: number[], sizes: number[], runs: number }

const FULL: Plan = { hops: [0, 1, 3], latency: 10, losses: [0, 1], sizes: [1, 10, 32, 64, 128], runs: 20 }
const QUICK: Plan = { hops: [1], latency: 10, losses: [0], sizes: [1, 32, 128], runs: 4 }

const READY_TIMEOUT = 90_000
/** Routers with an own client port: the browser's side and the web server's side. */
const CLIENT_ROUTER = 1
const SERVER_ROUTER = 2

/** MinWWW and i2pd's own HTTP tunnels over the same routers at the same time. */
export const routers: Scenario = {
  name: 'routers',
  missing: async ({ latency = FULL.latency, loss = FULL.losses }) => await i2pdMissing(latency > 0 || loss.some(share => share > 0)),
  async run (context) {
    const { quick, settings, out } = context
    const plan = quick ? QUICK : FULL
    const { hops = plan.hops, latency = plan.latency, loss: losses = plan.losses, sizes = plan.sizes, runs = plan.runs } = settings
    Object.assign(out.options, { hops, latency, losses, sizes, runs, routers: 8, tunnels: 2, warmUp: warmUpInWords(quick), connection: 'a new one for each page' })
    out.note('Latency and loss are those of one link between two routers, one way; a page crosses several. Java routers are not in this scenario.')
    for (const loss of losses) await runOne(context, { hops, latency, losses, sizes, runs }, loss)
  }
}

async function runOne (context: ScenarioContext, { hops, latency, sizes, runs }: Plan, loss: number): Promise<void> {
  const { seed, signal, progress } = context
  const closers = new Closers()
  try {
    progress(`starting 8 routers in namespaces, ${latency} ms and ${loss} % loss a link`)
    const network = closers.add(await startI2pdNetwork({ hops, delay: latency, loss: loss / 100, seed, readyTimeout: READY_TIMEOUT }), network => network.stop())
    const site = closers.add(await startSite(), site => site.close())
    const rivals: Rival[] = []
    for (const length of hops) {
      progress(`building tunnels of ${length} hops`)
      rivals.push(await openMinwww(closers, network, site.origin, length), await openI2pd(network, length))
    }
    progress('warming up')
    await Promise.all(rivals.map(async ({ client, host, design, length }) => await warmUp(context, client, `${design}${length}`, host)))
    const tasks = Array.from({ length: runs }, (_, round) => round).flatMap(round => rivals.flatMap(rival => sizes.map(size => ({
      round,
      run: async () => {
        const conditions = { size: size * KB, hops: rival.length, latency, loss, state: 'warm' }
        await measure(context, rival, conditions, round, async () => await fetchBytes(rival.client, size * KB, `${seed}${size}${round}`, rival.host))
      }
    }))))
    await interleave(tasks, { seed, signal, onDone: (done, total) => progress(`${loss} % loss: ${done} of ${total} pages`) })
  } finally {
    await closers.close()
  }
}

interface Rival { design: string, label: string, length: number, client: Pick<Client, 'via'>, host: string }

async function openMinwww (closers: Closers, network: ClosedNetwork, origin: string, length: number): Promise<Rival> {
  const options = Object.fromEntries(['inbound', 'outbound'].flatMap(direction => [[`${direction}.length`, String(length)], [`${direction}.lengthVariance`, '0'], [`${direction}.quantity`, '2']]))
  const design = closers.add(await minwwwDesign({ client: () => network.connect(CLIENT_ROUTER), server: () => network.connect(SERVER_ROUTER), options, origin }), design => design.close())
  const client = closers.add(await design.openClient(), client => client.close())
  return { design: design.design, label: design.label, length, client, host: SITE }
}

async function openI2pd (network: ClosedNetwork, length: number): Promise<Rival> {
  return { design: 'i2pd', label: "i2pd's own HTTP tunnels", length, client: { via: await network.forward(network.proxy(length)) }, host: network.site(length) }
}
