import { fetchVia } from '../fetch.ts'
import type { Sample } from '../report/collector.ts'
import type { Conditions } from '../report/types.ts'
import type { Client, Design } from '../worlds/design.ts'
import { JAVA_HINT, javaMissing } from '../worlds/java-design.ts'
import { DEADLINE } from '../worlds/minwww-design.ts'
import { randomBody, SITE } from '../worlds/site.ts'
import type { ScenarioContext } from './scenario.ts'

/** Bytes of a response that its head may take, so that a page of 128 KB still is one that messages can carry. */
const HEAD = 512

/** One page that nobody has asked for before, checked byte by byte. `size` is that of the response with its head. */
export async function fetchBytes (client: Pick<Client, 'via'>, size: number, tag: string, host = SITE): Promise<Sample> {
  const body = randomBody(Math.max(0, size - HEAD), tag)
  const { time, firstByte, error } = await fetchVia(
    { via: client.via, url: `http://${host}/bytes/${body.length}?seed=${tag}`, timeout: DEADLINE, expected: body }
  )
  return { time, ...(firstByte !== undefined && { firstByte }), ...(error !== undefined && { error }) }
}

/** Measures a page on a client that is there, or finds it in the journal. */
export async function measure (
  context: ScenarioContext, design: Pick<Design, 'design' | 'label'>, conditions: Conditions, round: number, run: () => Promise<Sample>
): Promise<void> {
  const sample = await context.journal.remember(JSON.stringify([design.design, conditions, round]), run)
  context.out.add(design, conditions, sample)
}

/** The same on a client that knows nothing of the path yet; it is opened and closed for this page, outside the measured time. */
export async function coldPage (design: Design, size: number, tag: string): Promise<Sample> {
  const client = await design.openClient()
  try {
    return await fetchBytes(client, size, tag)
  } finally {
    await client.close()
  }
}

/** Pages before the measured ones, the same for every design. */
const WARM_UP_PAGES = 8
const QUICK_WARM_UP_PAGES = 4
const WARM_UP_SIZE = 128 * 1024

export async function warmUp (
  { quick, seed, signal }: Pick<ScenarioContext, 'quick' | 'seed' | 'signal'>, client: Pick<Client, 'via'>, tag: string | number,
  host?: string
): Promise<void> {
  for (let i = 0; i < warmUpPages(quick); i++) {
    signal.throwIfAborted()
    await fetchBytes(client, WARM_UP_SIZE, `warm.${seed}.${tag}.${i}`, host)
  }
}

function warmUpPages (quick: boolean): number {
  return quick ? QUICK_WARM_UP_PAGES : WARM_UP_PAGES
}

/** For the options of the report. */
export function warmUpInWords (quick: boolean): string {
  return `${warmUpPages(quick)} pages of 128 KB`
}

/** Sizes (KB) over paths of the local model that are warm. */
export interface WarmPlan { latency: number, losses: number[], sizes: number[], runs: number }

/** The plan with what the user has set; it goes into the options of the report. */
export function warmPlan (
  { quick, settings, out }: Pick<ScenarioContext, 'quick' | 'settings' | 'out'>, plan: WarmPlan, connection: string
): WarmPlan {
  const { latency = plan.latency, loss: losses = plan.losses, sizes = plan.sizes, runs = plan.runs } = settings
  const java = javaMissing()
  if (java !== undefined) out.note(`Java forwarders skipped: ${java}. To get them: ${JAVA_HINT}.`)
  const set = { latency, losses, sizes, runs }
  Object.assign(out.options, set, { warmUp: warmUpInWords(quick), jitter: 0, bandwidth: 'unlimited', connection })
  return set
}
