import { interleave, type Task } from '../measure.ts'
import type { RouterKind } from '../worlds/closed-network.ts'
import type { Rival } from '../worlds/router-rivals.ts'
import { inNetworks, networksMissing } from './networks.ts'
import { fetchBytes, measure, warmUp, warmUpInWords } from './samples.ts'
import { KB, type Scenario, type ScenarioContext } from './scenario.ts'

interface Plan {
  kinds: RouterKind[], hops: number[], latency: number, losses: number[], sizes: number[], concurrency: number[], runs: number
}

const FULL: Plan = {
  kinds: ['i2pd', 'java'], hops: [1, 3], latency: 10, losses: [0, 1], sizes: [1, 10, 32, 64, 128], concurrency: [1], runs: 20
}
const QUICK: Plan = { ...FULL, kinds: ['i2pd'], hops: [1], losses: [0], sizes: [1, 32, 128], runs: 4 }
const MINUTE = 60_000

/** MinWWW and the routers' own way of HTTP over the same routers at the same time. */
export const routers: Scenario = {
  name: 'routers',
  async missing (settings) {
    return await networksMissing(planOf({ quick: false, settings }))
  },
  async run (context) {
    const { quick, settings, out } = context
    const plan = planOf({ quick, settings })
    Object.assign(out.options, plan, {
      routers: 8,
      tunnels: 2,
      warmUp: warmUpInWords(quick),
      connection: 'a new one for each page',
      ...(settings.minutes !== undefined && { minutes: settings.minutes })
    })
    out.note('Latency and loss are those of one link between two routers, one way; a page crosses several. Rival on i2pd: its own HTTP ' +
      'client and server tunnels; on Java and mixed routers (the client on a Java router, the server on i2pd), as Maven Central has no ' +
      'I2PTunnel: forwarders on Java I2P\'s own streaming library.')
    await inNetworks(context, plan, async (rivals, network) => await runOne(context, plan, rivals, network))
  }
}

function planOf ({ quick, settings }: Pick<ScenarioContext, 'quick' | 'settings'>): Plan {
  const plan = quick ? QUICK : FULL
  const {
    routers: kinds = plan.kinds,
    hops = plan.hops,
    latency = plan.latency,
    loss: losses = plan.losses,
    sizes = plan.sizes,
    concurrency = plan.concurrency,
    runs = plan.runs
  } = settings
  return { kinds, hops, latency, losses, sizes, concurrency, runs }
}

async function runOne (
  context: ScenarioContext, plan: Plan, rivals: readonly Rival[], { kind, loss }: { kind: RouterKind, loss: number }
): Promise<void> {
  const { seed, signal, progress, settings: { minutes } } = context
  progress('warming up')
  await Promise.all(
    rivals.map(async ({ client, host, design, length }) => await warmUp(context, client, `${length}${design.length}`, host))
  )
  const until = performance.now() + (minutes ?? 0) * MINUTE
  for (let first = 0; first === 0 || performance.now() < until; first += plan.runs) {
    const tasks = Array.from({ length: plan.runs }, (_, i) => first + i)
      .flatMap(round => rivals.flatMap(rival => pagesOf(context, rival, { ...plan, kind, loss, round })))
    await interleave(
      tasks, { seed: seed + first, signal, onDone: (done, total) => progress(`${kind}, ${loss} % loss: ${done} of ${total} pages`) }
    )
  }
}

/** One rival's pages of a round. Pages at once are samples of their own. */
function pagesOf (context: ScenarioContext, rival: Rival, {
  kind, latency, loss, sizes, concurrency, round
}: Plan & { kind: RouterKind, loss: number, round: number }): Task[] {
  return sizes.flatMap(size => concurrency.map(atOnce => {
    const conditions = {
      size: size * KB,
      routers: kind,
      hops: rival.length,
      latency,
      loss,
      state: 'warm',
      ...(concurrency.some(
        many => many > 1
      ) && { 'at once': atOnce })
    }
    const page = async (i: number): Promise<void> => await measure(
      context, rival, conditions, round * atOnce + i,
      async () => await fetchBytes(rival.client, size * KB, `${context.seed}${size}${round}${i}`, rival.host)
    )
    return { round, run: async () => { await Promise.all(Array.from({ length: atOnce }, async (_, i) => await page(i))) } }
  }))
}
