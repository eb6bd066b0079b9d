import { Agent, request, type IncomingMessage } from 'node:http'
import { once } from 'node:events'
import { createLocalRouter } from '@minwww/local-router'
import { Closers } from '@minwww/ground/node'
import type { Address } from '../fetch.ts'
import { percentile } from '../grid/statistics.ts'
import { interleave, type Task } from '../measure.ts'
import type { LoadRow } from '../report/types.ts'
import { SITE, startSite } from '../worlds/site.ts'
import { loadMissing, startLoadDesign, type LoadDesign } from '../load/design.ts'
import { KB, type Scenario, type ScenarioContext } from './scenario.ts'

interface Plan { latencies: number[], clients: number[], concurrency: number[], sizes: number[], runs: number }

const FULL: Plan = { latencies: [5, 100], clients: [5, 50], concurrency: [1, 8, 32], sizes: [2, 20], runs: 2 }
const QUICK: Plan = { latencies: [5], clients: [5], concurrency: [8], sizes: [2], runs: 1 }
/** ms before the counting, and of the counting. */
const WARM_UP = 1_500
const MEASURE = 4_000
const QUICK_MEASURE = 1_500
const SECOND = 1_000
const TIMEOUT = 60_000
/** Clients times requests at once above which a point says nothing but that the machine is full. */
const MOST_AT_ONCE = 400

/** Pages a second, and CPU of a page, over clients and requests at once. */
export const load: Scenario = {
  name: 'load',
  missing: loadMissing,
  async run (context) {
    const { quick, seed, settings, out, progress } = context
    const plan = planOf(quick, settings)
    Object.assign(out.options, plan, { connection: 'kept open', ...(settings.base !== undefined && { base: settings.base }) })
    out.note('The clients of a design share one process, its server is another one. Router, web server and what asks are in a third, and ' +
      'are not in the CPU of a page. Busy: CPU of all three together, in processors. Streams are TCP tunnels: they parse no HTTP.')
    for (const latency of plan.latencies) {
      for (const clients of plan.clients) {
        progress(`starting ${clients} clients, ${latency} ms one way`)
        const closers = new Closers()
        try {
          const site = closers.add(await startSite(), site => site.close())
          const router = closers.add(createLocalRouter({ seed, latency }), router => router.close())
          const ends = { i2cp: await router.listen({ host: '127.0.0.1', port: 0 }), site: site.address, clients }
          const designs: LoadDesign[] = []
          for (const { base, ...name } of designsOf(settings.base)) {
            const design = name.design === 'streaming' ? 'streaming' : 'minwww'
            const plan = { ...ends, design, ...(base !== undefined && { base }) } as const
            designs.push(closers.add(await startLoadDesign(name, plan), design => design.close()))
          }
          await interleave(tasksOf(context, designs, { ...plan, latency, clients }), { seed, signal: context.signal })
        } finally {
          await closers.close()
        }
      }
    }
  }
}

function planOf (quick: boolean, settings: ScenarioContext['settings']): Plan {
  const plan = quick ? QUICK : FULL
  const { latency, clients = plan.clients, concurrency = plan.concurrency, sizes = plan.sizes, runs = plan.runs } = settings
  return { latencies: latency === undefined ? plan.latencies : [latency], clients, concurrency, sizes, runs }
}

function designsOf (base: string | undefined): Array<{ design: string, label: string, base?: string }> {
  return [
    { design: 'minwww', label: 'MinWWW' },
    ...base === undefined ? [] : [{ design: 'minwww-base', label: 'MinWWW of the other checkout', base }],
    { design: 'streaming', label: 'our streams (TCP tunnels)' }
  ]
}

type PointPlan = Omit<Plan, 'latencies' | 'clients'> & { latency: number, clients: number }

function tasksOf (
  { quick, journal, out, progress }: ScenarioContext, designs: readonly LoadDesign[],
  { latency, clients, concurrency, sizes, runs }: PointPlan
): Task[] {
  const points = sizes.flatMap(size => concurrency.map(atOnce => ({ size: size * KB, latency, clients, 'at once': atOnce })))
    .filter(point => point.clients * point['at once'] <= MOST_AT_ONCE)
  return Array.from({ length: runs }, (_, round) => round).flatMap(round => points.flatMap(point => designs.map((design): Task => ({
    round,
    run: async () => {
      progress(`${design.label}, ${clients} clients, ${point['at once']} at once, ${point.size / KB} KB`)
      const row = await journal.remember(JSON.stringify([design.design, point, round]), async () => {
        await ask(design.via, point, WARM_UP)
        return await measured(design, point, quick ? QUICK_MEASURE : MEASURE)
      })
      out.loads.push(row)
    }
  }))))
}

interface Conditions { size: number, latency: number, clients: number, 'at once': number }

async function measured ({ design, label, via, cpu }: LoadDesign, conditions: Conditions, time: number): Promise<LoadRow> {
  const [before, own, began] = [await cpu(), process.cpuUsage(), performance.now()]
  const { times, failed } = await ask(via, conditions, time)
  const [after, { user, system }, ms] = [await cpu(), process.cpuUsage(own), performance.now() - began]
  const [client, server] = [after.client - before.client, after.server - before.server]
  const pages = times.length
  const rounded = (value: number, digits: number): number => Number.isFinite(value) ? Number(value.toFixed(digits)) : 0
  return {
    design,
    label,
    conditions: { ...conditions },
    pages,
    failed,
    pagesPerSecond: rounded(pages * SECOND / ms, 1),
    p50: rounded(percentile(times, 0.5), 1),
    p95: rounded(percentile(times, 0.95), 1),
    cpu: { client: rounded(client / pages, 2), server: rounded(server / pages, 2) },
    busy: rounded((client + server + (user + system) / 1_000) / ms, 2)
  }
}

/** Each client asks for so many at once, one after the other on each connection, until the time is over. */
async function ask (
  via: readonly Address[], { size, 'at once': atOnce }: Conditions, time: number
): Promise<{ times: number[], failed: number }> {
  const until = performance.now() + time
  const times: number[] = []
  let failed = 0
  await Promise.all(via.map(async address => {
    const agent = new Agent({ keepAlive: true, maxSockets: atOnce })
    await Promise.all(Array.from({ length: atOnce }, async () => {
      while (performance.now() < until) {
        const began = performance.now()
        if (await fetchPage(address, agent, size).catch(() => false)) times.push(performance.now() - began)
        else failed++
      }
    }))
    agent.destroy()
  }))
  return { times, failed }
}

/** Whether a page came whole. */
async function fetchPage ({ host, port }: Address, agent: Agent, size: number): Promise<boolean> {
  const outgoing = request({
    host, port, agent, path: `http://${SITE}/bytes/${size}`, headers: { host: SITE }, timeout: TIMEOUT
  }).end()
  const [response] = await once(outgoing, 'response') as [IncomingMessage]
  let length = 0
  for await (const chunk of response) length += (chunk as Buffer).length
  return response.statusCode === 200 && length === size
}
