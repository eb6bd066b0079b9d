import { interleave } from '../measure.ts'
import type { Client, Design } from '../worlds/design.ts'
import { openLocalWorld } from '../worlds/local-world.ts'
import { fetchBytes, measure, warmPlan, warmUp, type WarmPlan } from './samples.ts'
import { KB, type Scenario, type ScenarioContext } from './scenario.ts'

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
  progress(`starting routers and tunnels, ${latency} ms one way, ${loss} % loss`)
  const world = await openLocalWorld({ network: { seed, latency, loss: loss / 100 } })
  const clients = new Map<Design, Client>()
  try {
    for (const design of world.designs) clients.set(design, await design.openClient())
    progress(`warming up ${world.designs.length} designs`)
    await Promise.all([...clients.values()].map(async (client, i) => await warmUp(context, client, i)))
    const tasks = Array.from({ length: runs }, (_, round) => round).flatMap(round => sizes.flatMap(size => world.designs.map(design => ({
      round,
      run: async () => {
        const conditions = { size: size * KB, latency, loss, state: 'warm' }
        const tag = `${seed}.large.${size}.${loss}.${round}`
        await measure(context, design, conditions, round, async () => await fetchBytes(clients.get(design)!, size * KB, tag))
      }
    }))))
    const onDone = (done: number, total: number): void => progress(`${latency} ms, ${loss} % loss: ${done} of ${total} downloads`)
    await interleave(tasks, { seed, signal, onDone })
  } finally {
    for (const client of clients.values()) await client.close()
    await world.close()
  }
}
