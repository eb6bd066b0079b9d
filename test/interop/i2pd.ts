/** The acceptance suite on i2pd: sessions on two routers of a closed network, 1-hop tunnels. */
import type { Test } from 'tap'
import { fetchThroughProxy } from '../testnet/fetch.ts'
import { leavesNothing } from '../testnet/leaves-nothing.ts'
import { startNetwork, type Suite } from '../testnet/network.ts'
import { doctorFindsNothing, doctorFindsWell } from './doctor.ts'
import { routerAcceptance } from './router-acceptance.ts'

export interface I2pdUnderTest {
  name: string
  suite: Suite
  /** Of routers that are of another one. */
  suites?: Record<number, Suite>
  /** What the doctor sees in force on router 3. */
  quirks: RegExp
}

/** i2pd up to 2.57 says a client's own version, and may lose an early LeaseSet; all read `dontPublishLeaseSet` the wrong way round. */
export const QUIRKS = { old: /losesEarlyLeaseSet.*invertedDontPublish/, since258: /^invertedDontPublish$/ } as const

/**
 * Router 3 is killed, and router 4 notices only after half a minute which of its tunnels went through it. Router 3, back before that, gets
 * the LeaseSet that still names them, and keeps it for ten minutes (docs/adr/0090): so the peer's tunnels go around router 3.
 */
export async function i2pdAcceptance (t: Test, { name, suite, suites = {}, quirks }: I2pdUnderTest): Promise<void> {
  const network = await startNetwork({ hops: [1], suite, suites, readyTimeout: 120_000 })
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
    name,
    places: [() => network.connect(3), () => network.connect(4)],
    options: length,
    peerOptions: { explicitPeers: network.routerHash(5) },
    settle: 500,
    // i2pd keeps one path per peer for 30 s, and a path can be dead: the attempts must outlive it.
    exchange: { wait: 3000, attempts: 15 },
    restart: async () => await network.restart(3)
  })
  await t.test('minwww doctor', async t => {
    await doctorFindsWell(t, network, 3, 'i2pd', quirks)
    await doctorFindsNothing(t)
  })

  await t.test('the closed network', async t => {
    await network.restart(6)
    await network.kill(5)
    t.same(await network.alive(), [1, 2, 3, 4, 6, 7, 8])
    await leavesNothing(t, network)
  })
}
