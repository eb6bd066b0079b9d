import { interleave } from '../measure.ts'
import { fetchBytes, measure, warmPlan, type WarmPlan } from './samples.ts'
import { KB, type Scenario, type ScenarioContext } from './scenario.ts'
import { withWarmClients } from './warm-world.ts'

/** All above the 128 KiB of one reply. */
const FULL: WarmPlan = { latency: 250, losses: [0], sizes: [200, 300, 600, 1_024, 2_048, 8_192], runs: 10 }
const QUICK: WarmPlan = { latency: 100, losses: [0], sizes: [200, 600], runs: 2 }

/** What is too large for one reply, over paths that are warm: the time to its first byte, and to its last. */
export const large: Scenario = {
  name: 'large',
  missing: () => undefined,
  async run (context) {
    const plan = warmPlan(context, context.quick ? QUICK : FULL, 'a new one for each page')
    for (const loss of plan.losses) await runOne(context, plan, loss)
  }
}

async function runOne (context: ScenarioContext, { latency, sizes, runs }: WarmPlan, loss: number): Promise<void> {
  const { seed, signal, progress } = context
  await withWarmClients(context, { latency, loss }, async (designs, clients) => {
    const tasks = Array.from({ length: runs }, (_, round) => round).flatMap(round => sizes.flatMap(size => designs.map(design => ({
      round,
      run: async () => {
        const conditions = { size: size * KB, latency, loss, state: 'warm' }
        const tag = `${seed}.large.${size}.${loss}.${round}`
        await measure(context, design, conditions, round, async () => await fetchBytes(clients.get(design)!, size * KB, tag))
      }
    }))))
    const onDone = (done: number, total: number): void => progress(`${latency} ms, ${loss} % loss: ${done} of ${total} downloads`)
    await interleave(tasks, { seed, signal, onDone })
  })
}
