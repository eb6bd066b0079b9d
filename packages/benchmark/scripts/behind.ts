/**
 * Where streams that begin informed, or have parity beneath them, take more than 5 % longer than what they replace: a look at the whole
 * grid, and those points again with more runs, until chance is ruled out. Arguments: the design, runs of the first look and of the last.
 */
import { fullGrid, runGrid, runTimes, seedOf, sibling } from '../src/grid/index.ts'
import type { Cell, Conditions, Design } from '../src/grid/index.ts'
import { simulateSignatures } from '../src/grid/simulated-signatures.ts'
import { ratioOf } from '../src/statistics.ts'
import type { Interval } from '../src/statistics.ts'

const TOLERANCE = 1.05
const SHARES = { p50: 0.5, p99: 0.99 } as const
/** The runs between the first look and the last, as a multiple of the first: most of what was behind by chance falls out. */
const MIDDLE = 5

type At = keyof typeof SHARES
const ATS = Object.keys(SHARES) as At[]
interface Suspect { readonly at: At, readonly conditions: Conditions }

const [design = 'streaming-parity', first = '40', last = '2000'] = process.argv.slice(2) as [Design, string, string]
const rival: Design = design === 'streaming-informed' ? 'streaming-cold' : 'streaming-warm'
const [looks, middle, most] = [Number(first), MIDDLE * Number(first), Number(last)]
simulateSignatures()

const { cells } = await runGrid({ designs: [design, rival], runs: looks, workers: 1 })
const looked = fullGrid().flatMap(conditions => ATS.flatMap((at): Suspect[] => {
  const own = cells.find(cell => cell.design === design && isOf(cell, conditions))!
  return own[at] > TOLERANCE * sibling(cells, own, rival)![at] ? [{ at, conditions }] : []
}))
const left = judged(looked, middle).filter(({ ratio }) => ratio.value > TOLERANCE)
const behind = judged(left, most).sort((a, b) => b.ratio.low - a.ratio.low)

for (const at of ATS) {
  const counts = [looked, left, behind.filter(({ ratio }) => ratio.low > TOLERANCE)].map(list => list.filter(each => each.at === at).length)
  console.log(`${design} behind ${rival} at the ${at}: ${counts[0]} of ${fullGrid().length} points in ${looks} runs, ` +
    `${counts[1]} of those in ${middle}, ${counts[2]} in ${most} by the lower end of the interval`)
}
console.log('\n| at | loss | routers | size | latency | KB/s | multiple of its rival, 95 % |\n|---|---|---|---|---|---|---|')
for (const { at, conditions: { size, latency, loss, burst, bandwidth, profile = 'plain' }, ratio } of behind) {
  const place = [at, `${loss} %${burst > 1 ? `, runs of ${burst}` : ''}`, profile, `${size / 1_024} KB`, `${latency} ms`, bandwidth || 'unlimited']
  console.log(`| ${[...place, `${ratio.value.toFixed(2)} (${ratio.low.toFixed(2)} to ${ratio.high.toFixed(2)})`].join(' | ')} |`)
}

/** With so many runs; a point that is there for both shares is measured once. */
function judged (suspects: readonly Suspect[], runs: number): Array<Suspect & { ratio: Interval }> {
  const places = [...new Map(suspects.map(({ conditions }) => [JSON.stringify(conditions), conditions])).values()]
  return places.flatMap(conditions => {
    const group = suspects.filter(suspect => JSON.stringify(suspect.conditions) === JSON.stringify(conditions))
    const [own, other] = [design, rival].map(each => runTimes(each, conditions, { runs, seed: seedOf(1, conditions) }))
    return group.map(suspect => ({ ...suspect, ratio: ratioOf(own!, other!, 1, SHARES[suspect.at]) }))
  })
}

function isOf (cell: Cell, { size, latency, loss, burst, bandwidth, profile }: Conditions): boolean {
  return cell.size === size && cell.latency === latency && cell.loss === loss && cell.bandwidth === bandwidth &&
    (cell.burst ?? 1) === burst && cell.profile === profile
}
