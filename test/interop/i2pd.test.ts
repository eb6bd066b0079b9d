// The acceptance suite on i2pd: sessions on two routers of a closed network, 1-hop tunnels.
import t, { type Test } from 'tap'
import { fetchThroughProxy, type Page } from '../testnet/fetch.ts'
import { leavesNothing } from '../testnet/leaves-nothing.ts'
import { networkMissing, startNetwork, type TestNetwork } from '../testnet/network.ts'
import { doctorFindsNothing, doctorFindsWell } from './doctor.ts'
import { routerAcceptance } from './router-acceptance.ts'

t.setTimeout(340_000)

/** A page over i2pd's own tunnels: asked for again, as a connection can meet a dead path, which i2pd keeps for 30 s. */
async function pageThroughI2pd (t: Test, network: TestNetwork): Promise<Page> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await fetchThroughProxy(network.connect(network.proxy(1)), `http://${network.site(1)}/bytes/5000`, 15_000)
    } catch (error) {
      if (attempt === 6) throw error
      t.comment(`i2pd's own tunnels, attempt ${attempt}: ${(error as Error).message}`)
    }
  }
}

t.test('i2pd', { skip: networkMissing() ?? false }, async t => {
  const network = await startNetwork({ hops: [1] })
  t.teardown(async () => await network.stop())
  t.comment(`network ready after ${network.readyAfter.get(1)} ms`)
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
    t.equal((await network.forward(network.proxy(1))).host, '127.0.0.1')
    t.equal((await pageThroughI2pd(t, network)).body.length, 5000)
    await network.restart(6)
    await network.kill(5)
    t.same(await network.alive(), [1, 2, 3, 4, 6, 7, 8])
    await leavesNothing(t, network)
  })
})
