// People browse for hours through routers, sessions and exits that die and come back, while what every process holds is
// written down. SIGINT ends it early, with the report. Build first: it runs what `npm run build` made.
import { setMaxListeners } from 'node:events'
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startEmbedded } from './long-run/embedded.ts'
import { breakThings } from './long-run/faults.ts'
import { startI2pd } from './long-run/i2pd.ts'
import { parseOptions, USAGE, type Options } from './long-run/options.ts'
import { browse } from './long-run/people.ts'
import { reportHtml } from './long-run/report.ts'
import { sampleAll } from './long-run/sampler.ts'
import { startSite } from './long-run/site.ts'
import { isFailure, verdict, type Run } from './long-run/verdict.ts'
import type { World } from './long-run/world.ts'

const options = readOptions()
/** The end of browsing, and of the rest after it. */
const stop = new AbortController()
const hurry = new AbortController()
setMaxListeners(0, stop.signal, hurry.signal) // a few for each page that is waited for
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    stop.abort()
    hurry.abort()
  })
}

const journal = join(options.out, 'run.jsonl')
/** Of the services: state, caches, logs. It stays, so that what failed can be traced. */
const folder = join(options.out, 'services')
rmSync(journal, { force: true })
rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })
const note = (type: string, record: object): void => appendFileSync(journal, `${JSON.stringify({ type, ...record })}\n`)

const site = await startSite()
let world: World | undefined
try {
  console.log(`starting (${options.network})`)
  world = await (options.network === 'i2pd' ? startI2pd : startEmbedded)(folder, site.origin, options)
  const run = await live(world)
  const { good, lines } = verdict(run)
  const report = join(options.out, 'report.html')
  writeFileSync(report, reportHtml(`npm run long-run -- ${process.argv.slice(2).join(' ')}`, run))
  console.log([...lines, good ? 'good' : 'not good', `${report}, ${journal}`].join('\n'))
  process.exitCode = good ? 0 : 1
} catch (error) {
  console.error(`long-run: ${(error as Error).message}`)
  process.exitCode = 1
} finally {
  await world?.close()
  site.close()
}

/** Browsing, faults and samples until the time is over or somebody has had enough; then a rest. */
async function live ({ proxy, foreign, watched, faults }: World): Promise<Run> {
  const { duration, users, rate, seed, faultEvery, sampleEvery, rest } = options
  const run: Run = { began: Date.now(), ended: 0, pages: [], faults: [], samples: [], troubles: [] }
  const timer = setTimeout(() => stop.abort(), duration)
  const done = new AbortController()
  console.log(`browsing at ${proxy}`)
  const sampling = sample()
  await Promise.all([
    browse({
      proxy,
      foreign,
      users,
      rate,
      seed,
      signal: stop.signal,
      hurry: hurry.signal,
      onPage: page => {
        run.pages.push(page)
        note('page', page)
        if (isFailure(page)) console.log(`${clock(page.began)} ${page.outcome} after ${page.took} ms: ${page.kind} ${page.url}`)
      }
    }),
    breakThings({
      faults,
      every: faultEvery,
      seed,
      signal: stop.signal,
      onFault: fault => {
        run.faults.push(fault)
        note('fault', fault)
        console.log(`${clock(fault.began)} ${fault.name} for ${((fault.ended - fault.began) / 1_000).toFixed(1)} s`)
      },
      onTrouble: text => {
        run.troubles.push(text)
        note('trouble', { at: Date.now(), text })
      }
    })
  ])
  clearTimeout(timer)
  await sleep(rest, undefined, { signal: hurry.signal }).catch(() => {})
  done.abort()
  await sampling
  run.ended = Date.now()
  return run

  async function sample (): Promise<void> {
    while (!done.signal.aborted) {
      const taken = await sampleAll(watched)
      run.samples.push(...taken)
      for (const one of taken) note('sample', one)
      await sleep(sampleEvery, undefined, { signal: done.signal }).catch(() => {})
    }
    run.samples.push(...await sampleAll(watched))
  }
}

function clock (at: number): string {
  return new Date(at).toISOString().slice(11, 19)
}

function readOptions (): Options {
  try {
    if (process.argv.includes('--help')) throw new Error(USAGE)
    return parseOptions(process.argv.slice(2))
  } catch (error) {
    console.error((error as Error).message)
    process.exit(2)
  }
}
