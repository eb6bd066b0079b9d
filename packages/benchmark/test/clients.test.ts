import t from 'tap'
import { runClients, type ClientConditions } from '../src/grid/clients.ts'

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

t.test('an exit that does not know what its tunnels carry learns it, and divides that fairly', async t => {
  for (const [latency, bandwidth, count] of [[50, 256, 2], [250, 256, 5], [250, 64, 5]] as const) {
    const { clients, used, dropsLater } = runClients({ latency, bandwidth, clients: Array.from({ length: count }, () => busy) }, 1)
    const shares = clients.map(({ received }) => received)
    t.ok(Math.min(...shares) >= FAIR * Math.max(...shares), `${count} clients at ${bandwidth} KB/s: ${shares.join(', ')} KB/s`)
    t.ok(used >= 0.85 * bandwidth, `${used} KB/s used`)
    t.ok(dropsLater <= 3, `${dropsLater} % dropped once it knows`)
  }
})

t.test('a client that lies to such an exit slows nobody', async t => {
  const lies: Array<NonNullable<ClientConditions['lie']>> = [
    () => ({ queue: 0, received: 0xffff_ffff }),
    ({ received }) => ({ queue: 60_000, received: received >> 1 })
  ]
  for (const lie of lies) {
    const { clients } = runClients({ latency: 50, bandwidth: 256, clients: [{ ...busy, lie }, busy, busy, busy] }, 1)
    const honest = clients.slice(1).map(({ received }) => received)
    t.ok(Math.min(...honest) > 0.8 * 256 / 4, honest.join(', '))
  }
})

t.test('clients with bottlenecks of their own are not held back by such an exit', async t => {
  const inbounds = [64, 128, 192]
  const { clients } = runClients({ latency: 50, bandwidth: 0, clients: inbounds.map(inbound => ({ ...busy, inbound })) }, 1)
  for (const [i, { received }] of clients.entries()) t.ok(received > 0.85 * inbounds[i]!, `${received} KB/s of ${inbounds[i]}`)
})
