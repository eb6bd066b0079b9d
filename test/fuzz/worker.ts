// One process that decodes; fuzz.ts starts it and watches it. It writes one line of JSON for each batch and each finding.
import { writeSync } from 'node:fs'
import { TARGETS } from './targets/index.ts'
import { inputOf } from './run-case.ts'

/** Cases of a target with weight 1 in one round. */
const BATCH = 20
/** A decoder asks for more than this at once, bytes: it trusted a length. */
const MAX_ALLOCATION = 16 * 1024 * 1024
/** One case takes longer than this, ms. Cores play minutes of virtual time; a machine may be busy. */
const MAX_TIME = 5_000

const [seed = 1, cases = Infinity, seconds = Infinity, only = -1, from = 0] = process.argv.slice(2).map(Number)
const say = (line: object): void => { writeSync(1, `${JSON.stringify(line)}\n`) }

let largest = 0
for (const name of ['alloc', 'allocUnsafe', 'allocUnsafeSlow'] as const) {
  const original = Buffer[name].bind(Buffer) as (size: number, ...rest: unknown[]) => Buffer
  Object.defineProperty(Buffer, name, {
    value (size: number, ...rest: unknown[]): Buffer {
      if (size > largest) largest = size
      if (size > MAX_ALLOCATION) throw new RangeError(`allocation of ${size} bytes`)
      return original(size, ...rest)
    }
  })
}

// What goes wrong after a case, in an event, is a finding too.
let current = { target: '', number: 0 }
const report = (error: unknown, bytes?: Buffer): void => {
  say({ finding: { ...current, error: String((error as Error).stack ?? error), hex: bytes?.toString('hex') } })
}
process.on('uncaughtException', error => report(error))
process.on('unhandledRejection', error => report(error))

const done = TARGETS.map(() => 0)
const spent = TARGETS.map(() => 0)
const began = performance.now()
let total = 0
let slowest = { target: '', number: 0, ms: 0 }

while (total < cases && performance.now() - began < seconds * 1000) {
  for (const [index, target] of TARGETS.entries()) {
    if (only >= 0 && index !== only) continue
    const size = Math.min(Math.max(1, Math.round(target.weight * BATCH)), cases - total)
    const start = performance.now()
    for (let count = 0; count < size; count++) await one(index, from + done[index]!++)
    spent[index]! += performance.now() - start
    total += size
    say(
      { target: index, done: done[index], spent: Math.round(spent[index]!), total, largest, rss: process.resourceUsage().maxRSS, slowest }
    )
    await new Promise(resolve => setImmediate(resolve))
    if (performance.now() - began >= seconds * 1000) break
  }
}
process.exit(0)

async function one (index: number, number: number): Promise<void> {
  const target = TARGETS[index]!
  current = { target: target.name, number }
  const { bytes, random } = inputOf(target, index, seed, number)
  const start = performance.now()
  try {
    const pending = target.decode(bytes, random)
    if (pending !== undefined) await pending
  } catch (error) {
    report(error, bytes)
  }
  const ms = performance.now() - start
  if (ms > slowest.ms) slowest = { ...current, ms: Math.round(ms) }
  if (ms > MAX_TIME) report(new Error(`took ${Math.round(ms)} ms`), bytes)
}
