/**
 * Several clients on one exit behind a bottleneck, in virtual time: what each gets, with and without a limit of the exit. Argument: seed.
 */
import { runClients, type ClientsConditions } from '../src/grid/index.ts'

const seed = Number(process.argv[2] ?? 1)
const busy = { size: 60, atOnce: 4 }
const CLIENTS: ReadonlyArray<readonly [string, ClientsConditions['clients']]> = [
  ['2 clients, 4 pages at once', [busy, busy]],
  ['5 clients, 4 pages at once', Array.from({ length: 5 }, () => busy)],
  ['20 pages at once beside 1', [{ size: 60, atOnce: 20 }, { size: 60, atOnce: 1 }]]
]

console.log('| clients, pages of 60 KB | one way | tunnels carry | limit | KB/s of pages of each client | of tunnel messages | used | slowest page | drops | after 20 s |')
console.log('|---|---|---|---|---|---|---|---|---|---|')
for (const [latency, bandwidth] of [[50, 256], [250, 256], [250, 64]] as const) {
  for (const [name, clients] of CLIENTS) {
    for (const limit of [undefined, Math.floor(0.95 * bandwidth)]) {
      const {
        clients: results,
        drops,
        dropsLater,
        used
      } = runClients({ latency, bandwidth, clients, ...(limit !== undefined && { limit }) }, seed)
      const cells = [
        name,
        `${latency} ms`,
        `${bandwidth} KB/s`,
        limit === undefined ? 'none' : `${limit} KB/s`,
        results.map(({ kilobytesPerSecond }) => kilobytesPerSecond).join(', '),
        results.map(({ received }) => Math.round(received)).join(', '),
        `${Math.round((100 * used) / bandwidth)} %`,
        `${(Math.max(...results.map(({ worst }) => worst)) / 1000).toFixed(1)} s`,
        `${drops} %`,
        `${dropsLater} %`
      ]
      console.log(`| ${cells.join(' | ')} |`)
    }
  }
}
