// npm run fuzz -- [--cases N] [--seconds S] [--seed S] [--target NAME] [--from N]: see docs/reference/security.md.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { TARGETS } from './targets/index.ts'

/** No news from the worker for so long is a hang, ms. */
const HANG = 60_000
/** Heap of the worker, MB: a decoder that fills it ends the worker, which is a finding. */
const HEAP = 512
/** Findings that are printed; a broken decoder has thousands. */
const MAX_FINDINGS = 20

interface Batch {
  target: number,
  done: number,
  spent: number,
  total: number,
  largest: number,
  rss: number,
  slowest: {
    target: string, number: number, ms: number
  }
}
interface Finding { target: string, number: number, error: string, hex?: string }

const { values } = parseArgs({
  options: {
    cases: {
      type: 'string'
    },
    seconds: { type: 'string' },
    seed: { type: 'string' },
    target: { type: 'string' },
    from: { type: 'string', default: '0' }
  }
})
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31))
const cases = Number(values.cases ?? (values.seconds === undefined ? 100_000 : Infinity))
const seconds = Number(values.seconds ?? Infinity)
const only = values.target === undefined ? -1 : TARGETS.findIndex(({ name }) => name === values.target)
if (values.target !== undefined && only < 0) {
  console.error(`there is no target '${values.target}'; there are:\n${TARGETS.map(({ name }) => `  ${name}`).join('\n')}`)
  process.exit(2)
}
console.log(`seed ${seed}`)

const worker = spawn(process.execPath, [
  ...process.execArgv, `--max-old-space-size=${HEAP}`, fileURLToPath(new URL('worker.ts', import.meta.url)),
  ...[seed, cases, seconds, only, Number(values.from)].map(String)
], { stdio: ['ignore', 'pipe', 'inherit'] })
const counts = TARGETS.map(() => 0)
const spent = TARGETS.map(() => 0)
const findings: Finding[] = []
let last: Batch | undefined
let hung = false
const hang = setTimeout(() => { hung = true; worker.kill('SIGKILL') }, HANG)
const began = performance.now()

createInterface({ input: worker.stdout }).on('line', line => {
  hang.refresh()
  const news = JSON.parse(line) as Batch & { finding?: Finding }
  if (news.finding !== undefined) {
    findings.push(news.finding)
    if (findings.length <= MAX_FINDINGS) {
      console.log(`FOUND ${news.finding.target}, case ${news.finding.number}: ${news.finding.error}\n  ${news.finding.hex ?? ''}`)
    }
    return
  }
  last = news
  counts[news.target] = news.done
  spent[news.target] = news.spent
})
const status = await new Promise<number | null>(resolve => worker.once('close', resolve))
clearTimeout(hang)

for (const [index, { name }] of TARGETS.entries()) {
  console.log(`${String(counts[index]).padStart(10)}  ${String(Math.round(spent[index]! / 1000)).padStart(6)} s  ${name}`)
}
const total = counts.reduce((sum, count) => sum + count, 0)
console.log(`${String(total).padStart(10)}  cases in ${Math.round((performance.now() - began) / 1000)} s with seed ${seed}: ` +
  `${findings.length} findings`)
if (last !== undefined) {
  const { largest, rss, slowest } = last
  console.log(`largest buffer ${largest} bytes, largest resident size ${Math.round(rss / 1024)} MB, slowest case ${slowest.ms} ms ` +
    `(${slowest.target}, case ${slowest.number})`)
}
if (hung) console.log(`FOUND a hang: ${TARGETS[last?.target ?? 0]?.name} or the target after it, after case ${last?.done ?? 0}`)
else if (status !== 0) console.log(`FOUND: the worker ended with status ${status}`)
process.exitCode = findings.length > 0 || hung || status !== 0 ? 1 : 0
