import t from 'tap'
import { runClients } from '../src/grid/clients.ts'

/** Shares within 20 %, as a ratio of the least to the most. */
const FAIR = 0.8
/**
 * Of the limit, in pages: 83 % of whole tunnel messages is payload, some of it parity, and only pages that are whole after a minute
 * count, of up to twenty that are under way.
 */
const LEAST = 0.68
const busy = { size: 60, atOnce: 4 }

for (const [latency, bandwidth] of [[50, 256], [250, 64]] as const) {
  const limit = Math.floor(0.95 * bandwidth)
  t.test(`an exit that knows its ${bandwidth} KB/s divides them fairly, ${latency} ms one way`, async t => {
    for (const count of [2, 5]) {
      const { clients, drops } = runClients({ latency, bandwidth, limit, clients: Array.from({ length: count }, () => busy) }, 1)
      const rates = clients.map(({ kilobytesPerSecond }) => kilobytesPerSecond)
      t.ok(Math.min(...rates) >= FAIR * Math.max(...rates), `${count} clients: ${rates.join(', ')} KB/s`)
      t.equal(clients.reduce((sum, { failed }) => sum + failed, 0), 0)
      const given = rates.reduce((sum, rate) => sum + rate)
      t.ok(given > LEAST * limit, `and gives nearly all of them away: ${given} KB/s`)
      t.equal(drops, 0, 'no queue overflows')
    }
    const beside = [{ ...busy, atOnce: 20 }, { ...busy, atOnce: 1 }]
    const { clients: [many, one] } = runClients({ latency, bandwidth, limit, clients: beside }, 1)
    // One page at a time waits for its round trip, so its share may be less; never its page.
    t.ok(one!.worst < 2 * (2 * latency + 60 / (limit / 2) * 1000), `one page beside twenty: ${one!.worst} ms at most`)
    t.ok(many!.pages > 0)
  })
}

t.test('two clients of an exit that does not know what its tunnels carry both get pages', async t => {
  const { clients } = runClients({ latency: 50, bandwidth: 256, clients: [busy, busy] }, 1)
  t.ok(clients.every(({ failed, kilobytesPerSecond }) => failed === 0 && kilobytesPerSecond > 0.15 * 256), JSON.stringify(clients))
})
