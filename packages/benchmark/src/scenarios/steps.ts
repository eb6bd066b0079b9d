import { setTimeout as sleep } from 'node:timers/promises'
import type { StepDiagram } from '../report/types.ts'
import { stepsOf } from '../trace/steps.ts'
import type { Client, Design } from '../worlds/design.ts'
import { JAVA_HINT, javaMissing } from '../worlds/java-design.ts'
import { openLocalWorld, type LocalWorld } from '../worlds/local-world.ts'
import { coldPage, fetchBytes, warmUp } from './samples.ts'
import { KB, type Scenario, type ScenarioContext } from './scenario.ts'

const LATENCY = 250
const QUICK_LATENCY = 100
const SIZES = [10, 64]
const QUICK_SIZES = [64]
/** After a page, until acknowledgements and the end of the stream are through: round trips and ms. */
const QUIET_ROUND_TRIPS = 3
const QUIET = 500

/** Who sends what when, from the router's trace of one page each. */
export const steps: Scenario = {
  name: 'steps',
  missing: () => undefined,
  async run (context) {
    const { quick, seed, settings, signal, journal, out, progress } = context
    const { latency = quick ? QUICK_LATENCY : LATENCY, sizes = quick ? QUICK_SIZES : SIZES } = settings
    Object.assign(out.options, { latency, sizes, loss: 0 })
    const java = javaMissing()
    if (java !== undefined) out.note(`Java forwarders skipped: ${java}. To get them: ${JAVA_HINT}.`)
    out.note('Traversals: the chain of messages, each sent because of the one before, that the end of the page waited for.')
    const diagrams = await journal.remember('steps', async () => {
      const world = await openLocalWorld({ network: { seed, latency } })
      try {
        const all: StepDiagram[] = []
        for (const design of world.designs) {
          // What a process does for the first time in its life, such as compiling, is no step of a protocol: another client does it.
          await coldPage(design, KB, 'first use')
          for (const size of sizes) {
            signal.throwIfAborted()
            progress(`${design.label}, ${size} KB`)
            all.push(...await tracePages(context, world, design, size * KB, latency))
          }
        }
        return all
      } finally {
        await world.close()
      }
    })
    out.steps.push(...diagrams)
  }
}

/** A cold page and a warm one of the same client. */
async function tracePages (
  context: ScenarioContext, world: LocalWorld, design: Design, size: number, latency: number
): Promise<StepDiagram[]> {
  const client = await design.openClient()
  try {
    const cold = await tracePage(world, design, client, { size, latency, state: 'cold' })
    await warmUp(context, client, size)
    await quiet(latency)
    return [cold, await tracePage(world, design, client, { size, latency, state: 'warm' })]
  } finally {
    await client.close()
  }
}

/** One page; what its end brings with it is waited for by `settle`. */
export async function tracePage (world: LocalWorld, { design, label }: Pick<Design, 'design' | 'label'>, client: Client, conditions: {
  size: number, latency: number, state: string
}, settle = async (): Promise<void> => await quiet(conditions.latency)): Promise<StepDiagram> {
  const started = now()
  world.trace.start()
  const { error } = await fetchBytes(client, conditions.size, `steps.${conditions.state}`)
  const finished = now()
  if (error !== undefined) throw new Error(`${label}: ${error}`)
  await settle()
  return stepsOf({ design, label, conditions, messages: world.trace.stop(), clientKeys: client.keys, started, finished })
}

export async function quiet (latency: number): Promise<void> {
  await sleep(2 * QUIET_ROUND_TRIPS * latency + QUIET)
}

/** Epoch ms, on the router's clock. */
function now (): number {
  return performance.timeOrigin + performance.now()
}
