import { createHash } from 'node:crypto'
import { fetchVia } from '../fetch.ts'
import { interleave } from '../measure.ts'
import type { Sample } from '../report/collector.ts'
import type { RouterKind } from '../worlds/closed-network.ts'
import type { Client, Design } from '../worlds/design.ts'
import { openLocalWorld } from '../worlds/local-world.ts'
import { DEADLINE } from '../worlds/minwww-design.ts'
import { randomBody, SITE } from '../worlds/site.ts'
import { inOutproxyNetworks, networksMissing, networksOf } from './networks.ts'
import { measure, warmPlan, warmUp, warmUpInWords, type WarmPlan } from './samples.ts'
import { KB, type Scenario, type ScenarioContext } from './scenario.ts'

const FULL: WarmPlan = { latency: 250, losses: [0, 1], sizes: [1, 16, 60, 120], runs: 15 }
const QUICK: WarmPlan = { latency: 100, losses: [0], sizes: [1, 60], runs: 2 }

const CONNECTION = 'a new one for each POST'

/** A design, how its bodies go, and what its path is. */
interface Rival extends Pick<Design, 'design' | 'label'> {
  client: Pick<Client, 'via'>
  host?: string
  isChunked: boolean
  path: Record<string, number | string>
}

/** Forms and small files that go up: time until the site's answer, which is the digest of what it got. */
export const post: Scenario = {
  name: 'post',
  async missing (settings) {
    return settings.routers === undefined ? undefined : await networksMissing(networksOf(settings, settings.routers))
  },
  async run (context) {
    const { quick, settings: { routers }, out } = context
    out.note('MinWWW by stream: the same proxy and exit, with a body whose length it is not told, which goes as every body did before.')
    if (routers !== undefined) return await overRouters(context, routers)
    const plan = warmPlan(context, quick ? QUICK : FULL, CONNECTION)
    for (const loss of plan.losses) await overModel(context, plan, loss)
  }
}

async function overModel (context: ScenarioContext, { latency, sizes, runs }: WarmPlan, loss: number): Promise<void> {
  const { seed, progress } = context
  progress(`starting routers and tunnels, ${latency} ms one way, ${loss} % loss`)
  const world = await openLocalWorld({ network: { seed, latency, loss: loss / 100 } })
  const clients: Client[] = []
  try {
    const rivals: Rival[] = []
    for (const design of world.designs) {
      const client = await design.openClient()
      clients.push(client)
      rivals.push(...rivalsOf({ ...design, client, path: { latency, loss } }))
    }
    await measurePosts(context, rivals, { sizes, runs }, `${latency} ms, ${loss} % loss`)
  } finally {
    for (const client of clients) await client.close()
    await world.close()
  }
}

async function overRouters (context: ScenarioContext, kinds: readonly RouterKind[]): Promise<void> {
  const { quick, settings } = context
  const plan = quick ? QUICK : FULL
  const { sizes = plan.sizes, runs = plan.runs } = settings
  const options = { sizes, runs, warmUp: warmUpInWords(quick), connection: CONNECTION }
  await inOutproxyNetworks(context, { kinds, outproxy: {}, options }, async (rivals, where) => {
    await measurePosts(context, rivals.flatMap(rivalsOf), { sizes, runs }, where)
  })
}

async function measurePosts (
  context: ScenarioContext, rivals: readonly Rival[], { sizes, runs }: Pick<WarmPlan, 'sizes' | 'runs'>, where: string
): Promise<void> {
  const { seed, signal, progress } = context
  progress(`warming up ${rivals.length} designs`)
  for (const [index, { client, host, isChunked }] of rivals.entries()) if (!isChunked) await warmUp(context, client, index, host)
  for (const rival of rivals) for (let i = 0; i < 2; i++) await send(rival, KB, `warm.${seed}.${i}`)
  const tasks = Array.from({ length: runs }, (_, round) => round).flatMap(round => sizes.flatMap(size => rivals.map(rival => ({
    round,
    run: async () => {
      const conditions = { size: size * KB, ...rival.path, state: 'warm' }
      const tag = `${seed}.${size}.${rival.path.loss}.${round}`
      await measure(context, rival, conditions, round, async () => await send(rival, size * KB, tag))
    }
  }))))
  await interleave(tasks, { seed, signal, onDone: (done, total) => progress(`${where}: ${done} of ${total} POSTs`) })
}

function rivalsOf (rival: Omit<Rival, 'isChunked'>): Rival[] {
  const one = { ...rival, isChunked: false }
  return rival.design === 'minwww' ? [one, { ...one, design: 'minwww-stream', label: 'MinWWW by stream', isChunked: true }] : [one]
}

/** One POST; what the site got is compared. */
async function send ({ client: { via }, host = SITE, isChunked }: Rival, size: number, tag: string): Promise<Sample> {
  const body = randomBody(size, tag)
  const expected = Buffer.from(createHash('sha256').update(body).digest('hex'))
  const { time, firstByte, error } = await fetchVia({
    via, url: `http://${host}/digest?seed=${tag}`, timeout: DEADLINE, expected, upload: { body, isChunked }
  })
  return { time, ...(firstByte !== undefined && { firstByte }), ...(error !== undefined && { error }) }
}
