import { resolve } from 'node:path'
import { reportText, runBench, type RouterKind, type ScenarioName, type ScenarioResult, type Series } from '@minwww/benchmark'
import { CliError, explain, UsageError } from '../errors.ts'
import { parseUrl } from '@minwww/protocol/parse-url'

/** The options of the command line as given. */
export interface BenchFlags {
  quick?: true
  json?: true
  seed: number
  out?: string
  runs?: number
  latency?: number
  loss?: number[]
  sizes?: number[]
  hops?: number[]
  routers?: RouterKind[]
  concurrency?: number[]
  minutes?: number
  clients?: number[]
  base?: string
  designs?: string[]
  via?: string[]
}

/** Least time between two lines of progress of the same scenario, ms. */
const PROGRESS_INTERVAL = 2_000

/** Status of a run that the user interrupted. */
const INTERRUPTED = 130

export async function runBenchCommand (
  flags: BenchFlags & { count?: number }, scenario: ScenarioName | undefined, urls: string[]
): Promise<void> {
  const {
    quick = false, json = false, seed, out, count, runs = count, latency, loss, sizes, hops, routers, concurrency, minutes, designs,
    clients, base, via
  } = flags
  for (const text of [...urls, ...via ?? []]) assertHttp(text)
  const controller = new AbortController()
  const interrupt = (): void => controller.abort()
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt)
  try {
    const report = await runBench({
      ...(scenario !== undefined && { scenarios: [scenario] }),
      quick,
      seed,
      signal: controller.signal,
      onProgress: progressLines(),
      command: ['minwww', ...process.argv.slice(2)].join(' '),
      settings: {
        ...(runs !== undefined && { runs }),
        ...(latency !== undefined && { latency }),
        ...(loss !== undefined && { loss }),
        ...(sizes !== undefined && { sizes }),
        ...(hops !== undefined && { hops }),
        ...(routers !== undefined && { routers }),
        ...(concurrency !== undefined && { concurrency }),
        ...(minutes !== undefined && { minutes }),
        ...(designs !== undefined && { designs }),
        ...(clients !== undefined && { clients }),
        ...(base !== undefined && { base: resolve(base) }),
        ...(via !== undefined && { via, urls })
      },
      ...(out !== undefined && { out })
    }).catch((error: unknown) => { throw explain(error, out) })
    await print(json ? JSON.stringify(scenario === 'grid' ? { cells: report.scenarios[0]?.cells ?? [] } : report) : reportText(report))
    if (out !== undefined) process.stderr.write(`minwww: ${out}/report.html and ${out}/report.json written\n`)
    if (controller.signal.aborted) process.exitCode = INTERRUPTED
    else assertMeasured(report, scenario)
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt)
  }
}

type Counted = Pick<Series, 'label' | 'n' | 'failed' | 'errors'>
type Outcome = Pick<ScenarioResult, 'scenario' | 'status'> & Partial<Pick<ScenarioResult, 'reason' | 'hint'>> &
  { series: readonly Counted[] }

/** A proxy of the user's through which nothing came was not measured: its times are the time limit's. */
function assertAnswered (series: readonly Counted[]): void {
  const dead = [...new Set(series.map(({ label }) => label))].flatMap(label => {
    const own = series.filter(entry => entry.label === label)
    const [reason = 'no answer'] = own.flatMap(({ errors }) => Object.keys(errors))
    return own.every(({ n, failed }) => n > 0 && failed === n)
      ? [`nothing came through ${label} (${reason}); see that it runs, or correct --via`]
      : []
  })
  if (dead.length > 0) throw new CliError('MINWWW_BENCH_FAILED', dead.join('\n'))
}

/** Who asked for one scenario must not take a report without it for a success; a failure is one in any case. */
export function assertMeasured ({ scenarios }: { scenarios: readonly Outcome[] }, wanted: ScenarioName | undefined): void {
  for (const { scenario, status, reason = '', hint = '', series } of scenarios) {
    if (status === 'failed') throw new CliError('MINWWW_BENCH_FAILED', `${scenario}: ${reason}`)
    if (scenario === 'url') assertAnswered(series)
    if (status === 'skipped' && scenario === wanted) throw new CliError('MINWWW_BENCH_SKIPPED', `${scenario}: ${reason}; ${hint}`)
  }
}

function assertHttp (text: string): void {
  if (parseUrl(text)?.protocol !== 'http:') throw new UsageError(`'${text}' is not an http:// address`)
}

/** Lines on standard error, not more than one in two seconds for a step that counts. */
function progressLines (): (text: string) => void {
  let last = ''
  let at = -Infinity
  return text => {
    const step = text.replaceAll(/\d+/g, '')
    const now = performance.now()
    const counts = /(\d+) of (\d+)/.exec(text)
    if (step === last && now - at < PROGRESS_INTERVAL && counts?.[1] !== counts?.[2]) return
    last = step
    at = now
    process.stderr.write(`minwww: ${text}\n`)
  }
}

/** Waits until it is written: the report is longer than a pipe holds. */
async function print (text: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    process.stdout.write(`${text}\n`, error => error == null ? resolve() : reject(error))
  })
}
