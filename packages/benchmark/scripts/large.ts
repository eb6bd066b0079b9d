/** Downloads above what a message holds, in virtual time: by MinWWW, by warm streaming, and the floor. Argument: runs a point. */
import { largePoints, runLarge } from '../src/grid/index.ts'
import { simulateSignatures } from '../src/grid/simulated-signatures.ts'

simulateSignatures()

const runs = Number(process.argv[2] ?? 40)
console.log('| one-way | loss | KB/s | routers | KB | floor: first / last | MinWWW: first / last / worst | streaming: last / worst | MinWWW / streaming |')
console.log('|---|---|---|---|---|---|---|---|---|')
for (const point of largePoints()) {
  const { latency, loss, bandwidth, profile, size } = point
  const [floor, own, rival] = (['floor', 'minwww', 'streaming'] as const).map(design => runLarge(design, point, { runs, seed: 7 }))
  const times = [
    [floor!.first, floor!.last],
    [own!.first, own!.last, own!.worst],
    [rival!.last, rival!.worst]
  ].map(list => list.map(x => x.toFixed(2)).join(' / '))
  const failed = own!.failed + rival!.failed > 0 ? `; ${own!.failed}, ${rival!.failed} failed` : ''
  console.log(`| ${[`${latency} ms`, `${loss} %`, bandwidth || 'unlimited', profile, size, ...times, (own!.last / rival!.last).toFixed(2) + failed].join(' | ')} |`)
}
