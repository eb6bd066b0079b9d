/**
 * POSTs by messages while exits are killed at any moment and started again: how often the site carried each out, and what the clients
 * were told. In virtual time. Arguments: how many (10,000), seed (1).
 *
 *   npm run posts -- 10000
 */
import { runPosts, type PostsPlan } from '../src/grid/index.ts'

const count = Number(process.argv[2] ?? 10_000)
const seed = Number(process.argv[3] ?? 1)
const lossy = { latency: 250, jitter: 20, tunnelLifetime: 86_400_000 }
const plans: Array<[name: string, plan: PostsPlan]> = [
  ['5 % loss', { seed, count, exits: 3, every: 200, network: { ...lossy, loss: 0.05 } }],
  [
    '5 % loss, exits killed, sessions lost, 3 % cancelled',
    {
      seed,
      count,
      exits: 3,
      every: 200,
      network: { ...lossy, loss: 0.05, duplicate: 0.05 },
      life: { mean: 20_000, down: 15_000 },
      cancelled: 0.03,
      sessionLife: 60_000
    }
  ]
]
console.log('| what | POSTs | answered | failed | carried out twice | told wrongly | told nothing | kills | p50, p99 ms |')
console.log('|---|---|---|---|---|---|---|---|---|')
let isBad = false
for (const [name, plan] of plans) {
  const { asked, answered, failed, twice, wrong, silent, kills, times } = runPosts(plan)
  const share = `${answered} (${(100 * answered / asked).toFixed(2)} %)`
  const reasons = Object.entries(failed).map(([code, n]) => `${n} ${code}`).join(', ') || '0'
  const at = (part: number): number => Math.round(times[Math.floor(part * times.length)] ?? 0)
  console.log(`| ${[name, asked, share, reasons, twice, wrong, silent, kills, `${at(0.5)}, ${at(0.99)}`].join(' | ')} |`)
  isBad ||= twice + wrong + silent > 0
}
if (isBad) process.exitCode = 1
