/** Many objects at once, over messages and over as many streams, in virtual time: a table of all points. Argument: runs a point. */
import { burstPoints, runBurst } from '../src/grid/index.ts'

const runs = Number(process.argv[2] ?? 5)
console.log('| point | limit | messages: fresh / warm / worst | drops | streams: fresh / warm / worst | drops | ratio fresh / warm |')
console.log('|---|---|---|---|---|---|---|')
for (const point of burstPoints()) {
  const [own, rival] = (['minwww', 'streaming'] as const).map(design => runBurst(design, point, { runs, seed: 1 }))
  const cells = [own!, rival!].flatMap(({ fresh, warm, worst, drops, failed }) =>
    [`${fresh} / ${warm} / ${worst}${failed > 0 ? `; ${failed} failed` : ''}`, `${drops} %`])
  const ratio = `${(own!.fresh / rival!.fresh).toFixed(2)} / ${(own!.warm / rival!.warm).toFixed(2)}`
  console.log(`| ${[point.name, own!.limit, ...cells, ratio].join(' | ')} |`)
}
