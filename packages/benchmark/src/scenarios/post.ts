import { createHash } from 'node:crypto'
import { fetchVia } from '../fetch.ts'
import { interleave } from '../measure.ts'
import type { Sample } from '../report/collector.ts'
import type { Client, Design } from '../worlds/design.ts'
import { openLocalWorld } from '../worlds/local-world.ts'
import { DEADLINE } from '../worlds/minwww-design.ts'
import { randomBody, SITE } from '../worlds/site.ts'
import { measure, warmPlan, warmUp, type WarmPlan } from './samples.ts'
import { KB, type Scenario, type ScenarioContext } from './scenario.ts'

const FULL: WarmPlan = { latency: 250, losses: [0, 1], sizes: [1, 16, 60, 120], runs: 15 }
const QUICK: WarmPlan = { latency: 100, losses: [0], sizes: [1, 60], runs: 2 }

/** A design, and how its bodies go. */
interface Rival { design: string, label: string, client: Client, isChunked: boolean }

/** Forms and small files that go up: time until the site's answer, which is the digest of what it got. */
export const post: Scenario = {
  name: 'post',
  missing: () => undefined,
  async run (context) {
    const { quick, out } = context
    const plan = warmPlan(context, quick ? QUICK : FULL, 'a new one for each POST')
    out.note('MinWWW by stream: the same proxy and exit, with a body whose length it is not told, which goes as every body did before.')
    for (const loss of plan.losses) await runOne(context, plan, loss)
  }
}

async function runOne (context: ScenarioContext, { latency, sizes, runs }: WarmPlan, loss: number): Promise<void> {
  const { seed, signal, progress } = context
  progress(`starting routers and tunnels, ${latency} ms one way, ${loss} % loss`)
  const world = await openLocalWorld({ network: { seed, latency, loss: loss / 100 } })
  const rivals: Rival[] = []
  try {
    for (const design of world.designs) rivals.push(...await rivalsOf(design))
    progress(`warming up ${rivals.length} designs`)
    for (const [index, { client, isChunked }] of rivals.entries()) if (!isChunked) await warmUp(context, client, index)
    for (const rival of rivals) for (let i = 0; i < 2; i++) await send(rival, KB, `warm.${seed}.${i}`)
    const tasks = Array.from({ length: runs }, (_, round) => round).flatMap(round => sizes.flatMap(size => rivals.map(rival => ({
      round,
      run: async () => {
        const conditions = { size: size * KB, latency, loss, state: 'warm' }
        await measure(context, rival, conditions, round, async () => await send(rival, size * KB, `${seed}.${size}.${loss}.${round}`))
      }
    }))))
    await interleave(tasks, { seed, signal, onDone: (done, total) => progress(`${latency} ms, ${loss} % loss: ${done} of ${total} POSTs`) })
  } finally {
    for (const { client, isChunked } of rivals) if (!isChunked) await client.close()
    await world.close()
  }
}

async function rivalsOf (design: Design): Promise<Rival[]> {
  const client = await design.openClient()
  const rival = { design: design.design, label: design.label, client, isChunked: false }
  return design.design === 'minwww' ? [rival, { design: 'minwww-stream', label: 'MinWWW by stream', client, isChunked: true }] : [rival]
}

/** One POST; what the site got is compared. */
async function send ({ client: { via }, isChunked }: Rival, size: number, tag: string): Promise<Sample> {
  const body = randomBody(size, tag)
  const expected = Buffer.from(createHash('sha256').update(body).digest('hex'))
  const { time, firstByte, error } = await fetchVia({
    via, url: `http://${SITE}/digest?seed=${tag}`, timeout: DEADLINE, expected, upload: { body, isChunked }
  })
  return { time, ...(firstByte !== undefined && { firstByte }), ...(error !== undefined && { error }) }
}
