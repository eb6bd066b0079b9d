// The acceptance suite on i2pd: sessions on two routers of a closed network, 1-hop tunnels.
import t from 'tap'
import { fetchThroughProxy } from '../testnet/fetch.ts'
import { leavesNothing } from '../testnet/leaves-nothing.ts'
import { networkMissing, startNetwork } from '../testnet/network.ts'
import { doctorFindsNothing, doctorFindsWell } from './doctor.ts'
import { routerAcceptance } from './router-acceptance.ts'

t.setTimeout(340_000)

t.test('i2pd', { skip: networkMissing() ?? false }, async t => {
  const network = await startNetwork({ hops: [1] })
  t.teardown(async () => await network.stop())
  t.comment(`network ready after ${network.readyAfter.get(1)} ms`)
  await t.test("i2pd's own tunnels", async t => {
    // Before any router is restarted: their own sites can then be out of reach for ten minutes (docs/reports/long-run.md).
    t.equal((await network.forward(network.proxy(1))).host, '127.0.0.1')
    const page = await fetchThroughProxy(network.connect(network.proxy(1)), `http://${network.site(1)}/bytes/5000`, 30_000)
    t.equal(page.body.length, 5000)
  })
  const length = { 'inbound.length': '1', 'outbound.length': '1', 'inbound.quantity': '2', 'outbound.quantity': '2' }
  await routerAcceptance(t, {
    name: 'i2pd',
    places: [() => network.connect(3), () => network.connect(4)],
    options: length,
    settle: 500,
    // i2pd keeps one path per peer for 30 s, and a path can be dead: the attempts must outlive it.
    exchange: { wait: 3000, attempts: 15 },
    restart: async () => await network.restart(3)
  })
  await t.test('minwww doctor', async t => {
    await doctorFindsWell(t, network, 3, /losesEarlyLeaseSet.*invertedDontPublish/)
    await doctorFindsNothing(t)
  })

  await t.test('the closed network', async t => {
    await network.restart(6)
    await network.kill(5)
    t.same(await network.alive(), [1, 2, 3, 4, 6, 7, 8])
    await leavesNothing(t, network)
  })
})
