import type { Client, Design } from '../worlds/design.ts'
import { openLocalWorld, type LocalWorld } from '../worlds/local-world.ts'
import { warmUp } from './samples.ts'
import type { ScenarioContext } from './scenario.ts'

/** One path of the local model. */
export interface Path {
  /** One way, ms. */
  latency: number
  /** Of tunnel messages, percent. */
  loss: number
}

/** Opens a world with a warm client of each design, and closes all of it after `run`. */
export async function withWarmClients (
  context: ScenarioContext, { latency, loss }: Path,
  run: (designs: LocalWorld['designs'], clients: ReadonlyMap<Design, Client>) => Promise<void>
): Promise<void> {
  const { seed, progress } = context
  progress(`starting routers and tunnels, ${latency} ms one way, ${loss} % loss`)
  const world = await openLocalWorld({ network: { seed, latency, loss: loss / 100 } })
  const clients = new Map<Design, Client>()
  try {
    for (const design of world.designs) clients.set(design, await design.openClient())
    progress(`warming up ${world.designs.length} designs`)
    await Promise.all([...clients.values()].map(async (client, i) => await warmUp(context, client, i)))
    await run(world.designs, clients)
  } finally {
    for (const client of clients.values()) await client.close()
    await world.close()
  }
}
