import { createLocalRouter } from '@minwww/local-router'
import type { ThroughputRow } from '../report/types.ts'
import { interleave } from '../measure.ts'
import { KB, type Scenario, type ScenarioContext } from '../scenarios/scenario.ts'
import { Closers, programFile } from '@minwww/ground/node'
import { buildGoPeer, GO_HINT } from './go-peer.ts'
import { Peer } from './peer.ts'

/** The only address that go-i2cp 0.1.67 connects to. */
const GO_ADDRESS = { host: '127.0.0.1', port: 7654 }
/** As a program of its own, compiled or from the sources. */
const OUR_PEER = import.meta.url.endsWith('.ts') ? new URL('./our-peer.ts', import.meta.url) : new URL('./our-peer.js', import.meta.url)

interface Plan { size: number, count: number, window: number }

/** Sizes in bytes; the windows stay below the 1 MiB that a router keeps for a client. */
const FULL: readonly Plan[] = [{ size: KB, count: 10_000, window: 256 }, { size: 60 * KB, count: 1_000, window: 8 }]
const QUICK: readonly Plan[] = [{ size: KB, count: 4_000, window: 256 }, { size: 60 * KB, count: 400, window: 8 }]
const RUNS = 5
const QUICK_RUNS = 2

interface Library { design: string, label: string, sender: Peer, receiver: Peer }

/** Messages per second and CPU of I2CP client libraries, one sending to another of its kind over one router on TCP. */
export const i2cp: Scenario = {
  name: 'i2cp',
  missing: () => undefined,
  async run (context) {
    const { quick, seed, signal, settings, out, progress } = context
    const plans = quick ? QUICK : FULL
    const runs = settings.runs ?? (quick ? QUICK_RUNS : RUNS)
    Object.assign(out.options, { plans, runs })
    out.note('The router runs in the process of the benchmark, each client in one of its own. A second is one of the wall clock from the ' +
      'first message until the sender knows that the last was received; at most a window of messages is under way. CPU is that of the ' +
      'client alone. Payloads do not compress.')
    const closers = new Closers()
    try {
      const libraries = await start(closers, context)
      const rounds = Array.from({ length: runs + 1 }, (_, round) => round)
      const samples = new Map<string, Sample[]>()
      const tasks = rounds.flatMap(round => libraries.flatMap(library => plans.map(plan => ({
        round,
        run: async () => {
          const sample = await exchange(library, plan)
          const key = `${library.design} ${plan.size}`
          if (round > 0) samples.set(key, [...samples.get(key) ?? [], sample]) // the first round warms up
        }
      }))))
      await interleave(tasks, { seed, signal, onDone: (done, total) => progress(`${done} of ${total} exchanges`) })
      out.throughput.push(...plans.flatMap(
        ({ size }) => libraries.map(({ design, label }) => rowOf(design, label, size, samples.get(`${design} ${size}`) ?? []))
      ))
    } finally {
      await closers.close()
    }
  }
}

async function start (closers: Closers, { out, progress }: ScenarioContext): Promise<Library[]> {
  const router = closers.add(createLocalRouter(), router => router.close())
  const { host, port } = await router.listen({ host: '127.0.0.1', port: 0 })
  const pairOf = async (design: string, label: string, program: string, args: string[]): Promise<Library> => {
    const begin = async (): Promise<Peer> => closers.add(await Peer.start(program, args), peer => peer.close())
    return { design, label, sender: await begin(), receiver: await begin() }
  }
  const program = programFile(OUR_PEER, 'our-peer.mjs')
  const libraries = [await pairOf('minwww', 'MinWWW', process.execPath, [...process.execArgv, program, host, String(port)])]
  progress('building the peer on go-i2cp')
  const built = buildGoPeer()
  const reason = 'reason' in built ? built.reason : await router.listen(GO_ADDRESS).then(() => undefined, (error: Error) => error.message)
  if ('program' in built && reason === undefined) libraries.push(await pairOf('go-i2cp', 'go-i2cp', built.program, []))
  else out.note(`go-i2cp skipped: ${reason ?? ''}. To get it: ${GO_HINT}.`)
  return libraries
}

interface Sample { rate: number, sender: number, receiver: number }

async function exchange ({ sender, receiver }: Library, { size, count, window }: Plan): Promise<Sample> {
  const { done } = await receiver.receive(sender, count, window / 4)
  const began = performance.now()
  const senderCpu = await sender.send(receiver, count, size, window)
  const seconds = (performance.now() - began) / 1000
  return { rate: count / seconds, sender: senderCpu / count, receiver: (await done) / count }
}

const MICROSECONDS = 1_000

/** Medians over the runs. */
function rowOf (design: string, label: string, size: number, samples: readonly Sample[]): ThroughputRow {
  const median = (of: (sample: Sample) => number): number => samples.map(of).sort((a, b) => a - b)[samples.length >> 1] ?? 0
  const tenths = (value: number): number => Math.round(value * 10) / 10
  return {
    design,
    label,
    conditions: { size },
    runs: samples.length,
    messagesPerSecond: Math.round(median(({ rate }) => rate)),
    slowest: Math.round(Math.min(...samples.map(({ rate }) => rate))),
    fastest: Math.round(Math.max(...samples.map(({ rate }) => rate))),
    cpu: {
      sender: tenths(median(({ sender }) => sender) * MICROSECONDS), receiver: tenths(median(({ receiver }) => receiver) * MICROSECONDS)
    }
  }
}
