/** Responses of 64 KB through CONNECT tunnels, in virtual time, with parity beneath the streams and without. Argument: runs a point. */
import { runTunnel } from '../src/grid/index.ts'

const runs = Number(process.argv[2] ?? 400)
console.log('| one-way | loss | design | open: p50 / p90 / p99 | CONNECT and first: p50 / p90 / p99 | tunnel messages, open | parity |')
console.log('|---|---|---|---|---|---|---|')
for (const latency of [50, 250, 1_000]) {
  for (const loss of [0, 1, 5]) {
    for (const design of ['streaming', 'streaming-parity'] as const) {
      const { open, fresh, parityShare, failed } = runTunnel(design, { latency, loss, size: 64 }, { runs, seed: 7 })
      const times = [open, fresh].map(({ p50, p90, p99 }) => `${p50} / ${p90} / ${p99}`)
      const share = `${(100 * parityShare).toFixed(1)} %${failed > 0 ? `; ${failed} failed` : ''}`
      console.log(`| ${[`${latency} ms`, `${loss} %`, design, ...times, open.tunnelMessages.toFixed(1), share].join(' | ')} |`)
    }
  }
}
