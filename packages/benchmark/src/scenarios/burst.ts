import { interleave, type Task } from '../measure.ts'
import type { Sample } from '../report/collector.ts'
import type { Client } from '../worlds/design.ts'
import type { RouterKind } from '../worlds/closed-network.ts'
import { JAVA_HINT, javaMissing } from '../worlds/java-design.ts'
import { openLocalWorld } from '../worlds/local-world.ts'
import { DEADLINE } from '../worlds/minwww-design.ts'
import { SITE } from '../worlds/site.ts'
import { inNetworks, networksMissing } from './networks.ts'
import { fetchBytes } from './samples.ts'
import { KB, type Scenario, type ScenarioContext } from './scenario.ts'

/** 1.26 MB in twenty objects of 6 to 120 KB. */
const OBJECTS = Array.from({ length: 20 }, (_, i) => 6 * (i + 1) * KB)
/** Of one fresh client, one after the other: nothing is known of the path in the first. */
const STATES = ['cold', 'warm', 'warm'] as const
/** More than there are of anything that a number of a burst is made of. */
const MANY = 1_000

interface Path { latency: number, loss: number, bandwidth: number, runs: number }
const FULL: readonly Path[] = [
  { latency: 50, loss: 0, bandwidth: 0, runs: 8 },
  { latency: 50, loss: 1, bandwidth: 0, runs: 8 },
  { latency: 250, loss: 0, bandwidth: 256 * KB, runs: 4 },
  { latency: 250, loss: 0, bandwidth: 64 * KB, runs: 2 }
]
const QUICK: readonly Path[] = [{ latency: 50, loss: 0, bandwidth: 0, runs: 2 }]
const ROUTERS = { hops: [1, 3], latency: 10, losses: [0], runs: 5 }

/** Twenty objects asked for at the same moment: time until the last one is there. */
export const burst: Scenario = {
  name: 'burst',
  async missing ({ routers, latency = ROUTERS.latency, loss = ROUTERS.losses }) {
    if (routers === undefined) return undefined
    return await networksMissing({ kinds: routers, latency, losses: loss })
  },
  async run (context) {
    const { settings: { routers }, out } = context
    Object.assign(out.options, { objects: OBJECTS.length, connection: 'a new one for each object' })
    out.note('Cold: the first burst of a client that nobody knows, as soon as it is ready; warm: the two bursts after it. The time is ' +
      'that until the last of the objects is there, and that of the limit where one did not come.')
    if (routers === undefined) await overModel(context)
    else await overRouters(context, routers)
  }
}

async function overModel (context: ScenarioContext): Promise<void> {
  const { quick, seed, settings: { latency, loss, runs }, out, progress } = context
  const java = javaMissing()
  if (java !== undefined) out.note(`Java forwarders skipped: ${java}. To get them: ${JAVA_HINT}.`)
  const isOwn = latency !== undefined || loss !== undefined
  const own = (loss ?? [0]).map((one): Path => ({ latency: latency ?? 50, loss: one, bandwidth: 0, runs: runs ?? (quick ? 2 : 8) }))
  const paths = isOwn ? own : (quick ? QUICK : FULL).map(path => ({ ...path, runs: runs ?? path.runs }))
  out.options.paths = paths
  for (const path of paths) {
    const { latency, loss, bandwidth } = path
    progress(`starting tunnels: ${latency} ms one way, ${loss} % loss, ${bandwidth === 0 ? 'unlimited' : `${bandwidth / KB} KB/s`}`)
    const world = await openLocalWorld({ network: { seed, latency, loss: loss / 100, bandwidth } })
    const conditions = { latency, loss, bandwidth }
    try {
      const tasks = world.designs.flatMap(design => series(context, {
        ...design, conditions, runs: path.runs, host: SITE, open: async () => await design.openClient()
      }))
      await interleave(tasks, { seed, signal: context.signal, onDone: (done, total) => progress(`${done} of ${total} clients`) })
    } finally {
      await world.close()
    }
  }
}

async function overRouters (context: ScenarioContext, kinds: readonly RouterKind[]): Promise<void> {
  const { quick, seed, signal, settings, out, progress } = context
  const { hops = ROUTERS.hops, latency = ROUTERS.latency, loss: losses = ROUTERS.losses } = settings
  const runs = settings.runs ?? (quick ? 2 : ROUTERS.runs)
  Object.assign(out.options, { routers: kinds, hops, latency, losses, runs })
  out.note('Latency and loss are those of one link between two routers, one way. The tunnels of i2pd itself are there long before, so ' +
    'that they are warm in every burst.')
  await inNetworks(context, { kinds, hops, latency, losses }, async (rivals, { kind, loss }) => {
    const tasks = rivals.flatMap(rival => series(context, {
      ...rival, conditions: { routers: kind, hops: rival.length, latency, loss }, runs, open: rival.openFresh
    }))
    await interleave(tasks, { seed, signal, onDone: (done, total) => progress(`${kind}: ${done} of ${total} clients`) })
  })
}

interface SeriesPlan {
  design: string
  label: string
  conditions: Record<string, number | string>
  runs: number
  host: string
  /** A client that nobody knows yet. */
  open: () => Promise<Pick<Client, 'via' | 'close'>>
}

/** A client for each round, opened and closed for its bursts outside the measured time. */
function series (context: ScenarioContext, { design, label, conditions, runs, host, open }: SeriesPlan): Task[] {
  const { journal, out, seed } = context
  return Array.from({ length: runs }, (_, round): Task => ({
    round,
    run: async () => {
      const samples = await journal.remember(JSON.stringify([design, conditions, round]), async () => {
        const client = await open()
        try {
          const samples: Sample[] = []
          for (const turn of STATES.keys()) samples.push(await burstOf(client, (seed * MANY + round) * MANY + turn, host))
          return samples
        } finally {
          await client.close()
        }
      })
      samples.forEach((sample, i) => { out.add({ design, label }, { objects: OBJECTS.length, ...conditions, state: STATES[i]! }, sample) })
    }
  }))
}

/** All objects at the same moment; the time is that of the last one. `number` tells bursts apart, so that no cache has them. */
export async function burstOf (client: Pick<Client, 'via'>, number: number, host: string): Promise<Sample> {
  const samples = await Promise.all(OBJECTS.map(async (size, i) => await fetchBytes(client, size, String(number * MANY + i), host)))
  const failed = samples.filter(({ error }) => error !== undefined)
  if (failed.length > 0) return { time: DEADLINE, error: `${failed.length} of ${samples.length} objects: ${failed[0]!.error ?? ''}` }
  const firstByte = Math.min(...samples.map(({ firstByte = DEADLINE }) => firstByte))
  return { time: Math.max(...samples.map(({ time }) => time)), firstByte }
}
