import { readFileSync } from 'node:fs'
import type { CostRow } from '../report/types.ts'
import type { TracedMessage } from '../trace/trace.ts'
import type { Client, Design } from '../worlds/design.ts'
import { JAVA_HINT, javaMissing } from '../worlds/java-design.ts'
import { openLocalWorld, type LocalWorld } from '../worlds/local-world.ts'
import { fetchBytes, warmUp } from './samples.ts'
import { KB, type Scenario, type ScenarioContext } from './scenario.ts'
import { quiet } from './steps.ts'

const LATENCY = 20
const SIZES = [1, 16, 64, 128]
const QUICK_SIZES = [1, 64]
const RUNS = 20
const QUICK_RUNS = 5
/** Clock ticks of /proc/PID/stat, ms. */
const TICK = 10
const MICROSECONDS = 1_000
const MB = 2 ** 20

/** What a warm page costs: messages, bytes, acknowledgements, CPU, memory. */
export const cost: Scenario = {
  name: 'cost',
  missing: () => undefined,
  async run (context) {
    const { quick, seed, settings, journal, out } = context
    const { latency = LATENCY, sizes = quick ? QUICK_SIZES : SIZES, runs = quick ? QUICK_RUNS : RUNS, loss = [0] } = settings
    Object.assign(out.options, { latency, sizes, runs, loss: loss[0] })
    const java = javaMissing()
    if (java !== undefined) out.note(`Java forwarders skipped: ${java}. To get them: ${JAVA_HINT}.`)
    out.note('CPU of this process has the router, the web server and the measuring client in it, for every design; bytes are those of ' +
      'the I2CP messages, both directions.')
    const rows = await journal.remember('cost', async () => {
      const world = await openLocalWorld({ network: { seed, latency, loss: (loss[0] ?? 0) / 100 } })
      try {
        return await measureAll(world, { sizes, runs, latency, loss: loss[0] ?? 0 }, context)
      } finally {
        await world.close()
      }
    })
    out.cost.push(...rows)
  }
}

interface CostPlan { sizes: number[], runs: number, latency: number, loss: number }

async function measureAll (world: LocalWorld, { sizes, runs, latency, loss }: CostPlan, context: ScenarioContext): Promise<CostRow[]> {
  const rows: CostRow[] = []
  for (const design of world.designs) {
    const client = await design.openClient()
    try {
      await warmUp(context, client, design.design)
      for (const size of sizes) {
        context.signal.throwIfAborted()
        context.progress(`${design.label}, ${size} KB`)
        await quiet(latency)
        rows.push(await costOf(world, design, client, { size: size * KB, latency, loss, state: 'warm' }, runs))
      }
    } finally {
      await client.close()
    }
  }
  return rows
}

export async function costOf (world: LocalWorld, design: Design, client: Client, conditions: {
  size: number, latency: number, loss: number, state: string
}, runs: number): Promise<CostRow> {
  const processes = [...design.processes, ...client.processes]
  world.trace.start()
  const cpu = process.cpuUsage()
  const others = cpuOf(processes)
  let failed = 0
  for (let i = 0; i < runs; i++) if ((await fetchBytes(client, conditions.size, `cost${i}`)).error !== undefined) failed++
  const { user, system } = process.cpuUsage(cpu)
  const theirs = cpuOf(processes) - others
  await quiet(conditions.latency)
  const messages = ownMessages(world.trace.stop(), client)
  const perPage = (sum: number): number => Math.round(sum / runs * 100) / 100
  const total = (of: (message: TracedMessage) => number): number => messages.reduce((sum, message) => sum + of(message), 0)
  return {
    design: design.design,
    label: design.label,
    conditions,
    pages: runs,
    failed,
    messages: perPage(messages.length),
    tunnelMessages: perPage(total(({ tunnelMessages }) => tunnelMessages)),
    bytes: perPage(total(({ size }) => size)),
    acknowledgements: perPage(total(({ acknowledgement }) => acknowledgement ? 1 : 0)),
    cpu: { own: perPage((user + system) / MICROSECONDS), processes: perPage(theirs) },
    memory: { own: Math.round(process.memoryUsage.rss() / MB), processes: Math.round(memoryOf(processes) / MB) }
  }
}

function ownMessages (messages: readonly TracedMessage[], { keys }: Client): TracedMessage[] {
  return messages.filter(({ from, to }) => keys.includes(from) || keys.includes(to))
}

/** ms of CPU that processes have used; 0 where the system does not say. */
function cpuOf (processes: readonly number[]): number {
  return processes.reduce((sum, id) => {
    const fields = read(`/proc/${id}/stat`).replace(/^.*\) /s, '').split(' ')
    return sum + (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * TICK
  }, 0)
}

/** Bytes resident. */
function memoryOf (processes: readonly number[]): number {
  return processes.reduce((sum, id) => sum + Number(/^VmRSS:\s+(\d+) kB/m.exec(read(`/proc/${id}/status`))?.[1] ?? 0) * KB, 0)
}

function read (file: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return ''
  }
}
