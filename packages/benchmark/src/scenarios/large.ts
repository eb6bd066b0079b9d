import { interleave } from '../measure.ts'
import type { RouterKind } from '../worlds/closed-network.ts'
import type { Client, Design } from '../worlds/design.ts'
import { inOutproxyNetworks, networksMissing, networksOf } from './networks.ts'
import { fetchBytes, measure, warmPlan, warmUp, warmUpInWords, type WarmPlan } from './samples.ts'
import { KB, type Scenario, type ScenarioContext } from './scenario.ts'
import { withWarmClients } from './warm-world.ts'

/** All above the 128 KiB of one reply. */
const FULL: WarmPlan = { latency: 250, losses: [0], sizes: [200, 300, 600, 1_024, 2_048, 8_192], runs: 10 }
const QUICK: WarmPlan = { latency: 100, losses: [0], sizes: [200, 600], runs: 2 }
const CONNECTION = 'a new one for each page'

/** What is too large for one reply, over paths that are warm: the time to its first byte, and to its last. */
export const large: Scenario = {
  name: 'large',
  async missing (settings) {
    return settings.routers === undefined ? undefined : await networksMissing(networksOf(settings, settings.routers))
  },
  async run (context) {
    const { quick, settings: { routers } } = context
    if (routers !== undefined) return await overRouters(context, routers)
    const plan = warmPlan(context, quick ? QUICK : FULL, CONNECTION)
    for (const loss of plan.losses) await overModel(context, plan, loss)
  }
}

async function overModel (context: ScenarioContext, { latency, sizes, runs }: WarmPlan, loss: number): Promise<void> {
  await withWarmClients(context, { latency, loss }, async (designs, clients) => {
    const rivals = designs.map(design => ({ ...design, client: clients.get(design)!, path: { latency, loss } }))
    await download(context, rivals, { sizes, runs }, `${latency} ms, ${loss} % loss`)
  })
}

async function overRouters (context: ScenarioContext, kinds: readonly RouterKind[]): Promise<void> {
  const { quick, settings } = context
  const plan = quick ? QUICK : FULL
  const { sizes = plan.sizes, runs = plan.runs } = settings
  const options = { sizes, runs, warmUp: warmUpInWords(quick), connection: CONNECTION }
  await inOutproxyNetworks(context, { kinds, outproxy: {}, options }, async (rivals, where) => {
    await Promise.all(rivals.map(async ({ client, design, length, host }) => {
      await warmUp(context, client, `${length}${design.length}`, host)
    }))
    await download(context, rivals, { sizes, runs }, where)
  })
}

/** A warm client, and what its path is. */
interface Rival extends Pick<Design, 'design' | 'label'> {
  client: Pick<Client, 'via'>
  host?: string
  path: Record<string, number | string>
}

async function download (
  context: ScenarioContext, rivals: readonly Rival[], { sizes, runs }: Pick<WarmPlan, 'sizes' | 'runs'>, where: string
): Promise<void> {
  const { seed, signal, progress } = context
  const tasks = Array.from({ length: runs }, (_, round) => round).flatMap(round => sizes.flatMap(size => rivals.map(rival => ({
    round,
    run: async () => {
      const { client, host, path } = rival
      const tag = `${seed}.large.${size}.${path.loss}.${round}`
      const conditions = { size: size * KB, ...path, state: 'warm' }
      await measure(context, rival, conditions, round, async () => await fetchBytes(client, size * KB, tag, host))
    }
  }))))
  const onDone = (done: number, total: number): void => progress(`${where}: ${done} of ${total} downloads`)
  await interleave(tasks, { seed, signal, onDone })
}
