import { interleave, type Task } from '../measure.ts'
import type { Design } from '../worlds/design.ts'
import { JAVA_HINT, javaMissing } from '../worlds/java-design.ts'
import { coldPage, fetchBytes, measure, warmUpInWords } from './samples.ts'
import { KB, type Scenario, type ScenarioContext } from './scenario.ts'
import { withWarmClients } from './warm-world.ts'

interface Plan {
  latency: number, losses: number[], sizes: number[], coldSizes: number[], lossySizes: number[], runs: number, coldRuns: number
}

/** 128 KB is the most that a reply by messages holds; 256 KB is above it. */
const FULL: Plan = {
  latency: 250,
  losses: [
    0, 1
  ],
  sizes: [1, 4, 16, 32, 64, 128, 256],
  coldSizes: [1, 16, 64, 128],
  lossySizes: [1, 16, 64, 128],
  runs: 20,
  coldRuns: 8
}
const QUICK: Plan = { latency: 100, losses: [0, 1], sizes: [1, 64, 128, 256], coldSizes: [64], lossySizes: [64], runs: 3, coldRuns: 2 }

/** Wall clock over one router on this machine: real proxies, real exits, real streaming libraries, and a model of the network between. */
export const tunnel: Scenario = {
  name: 'tunnel',
  missing: () => undefined,
  async run (context) {
    const plan = planOf(context)
    const java = javaMissing()
    if (java !== undefined) context.out.note(`Java forwarders skipped: ${java}. To get them: ${JAVA_HINT}.`)
    Object.assign(context.out.options, plan, {
      warmUp: warmUpInWords(context.quick), jitter: 0, bandwidth: 'unlimited', connection: 'a new one for each page'
    })
    context.out.note('Cold: a client with a new Destination for each page. MinWWW has probed its exit by then, as it does by itself when ' +
      'it starts. A cold Java client is a new JVM, whose class loading is in the time.')
    for (const loss of plan.losses) await runOne(context, plan, loss)
  }
}

function planOf ({ quick, settings }: ScenarioContext): Plan {
  const plan = quick ? QUICK : FULL
  const { latency = plan.latency, loss = plan.losses, runs = plan.runs, sizes } = settings
  const coldRuns = settings.runs === undefined ? plan.coldRuns : Math.max(1, Math.floor(runs / 2))
  return { ...plan, latency, losses: loss, runs, coldRuns, ...(sizes !== undefined && { sizes, coldSizes: sizes, lossySizes: sizes }) }
}

async function runOne (
  context: ScenarioContext, { latency, sizes, coldSizes, lossySizes, runs, coldRuns }: Plan, loss: number
): Promise<void> {
  const { seed, signal, progress } = context
  await withWarmClients(context, { latency, loss }, async (designs, clients) => {
    const warm = designs.flatMap(design => (loss === 0 ? sizes : lossySizes).flatMap(size => rounds(runs).map(round =>
      taskOf(context, design, {
        size: size * KB, latency, loss, state: 'warm'
      }, round, async tag => await fetchBytes(clients.get(design)!, size * KB, tag)))))
    const cold = designs.flatMap(design => (loss === 0 ? coldSizes : []).flatMap(size => rounds(coldRuns).map(round =>
      taskOf(
        context, design, { size: size * KB, latency, loss, state: 'cold' }, round, async tag => await coldPage(design, size * KB, tag)
      ))))
    await interleave(
      [...warm, ...cold], { seed, signal, onDone: (done, total) => progress(`${latency} ms, ${loss} % loss: ${done} of ${total} pages`) }
    )
  })
}

function taskOf (context: ScenarioContext, design: Design, conditions: {
  size: number, latency: number, loss: number, state: string
}, round: number, page: (tag: string) => Promise<Awaited<ReturnType<typeof fetchBytes>>>): Task {
  const { size, loss, state } = conditions
  return {
    round,
    run: async () => await measure(
      context, design, conditions, round, async () => await page(`${context.seed}.${size}.${loss}.${state}.${round}`)
    )
  }
}

function rounds (count: number): number[] {
  return Array.from({ length: count }, (_, i) => i)
}
