// The acceptance suite on i2pd: sessions on two routers of a closed network, 1-hop tunnels.
import t from 'tap'
import { networkMissing, startNetwork } from '../testnet/network.ts'
import { routerAcceptance } from './router-acceptance.ts'

t.setTimeout(280_000)

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
    // Seen twice: the peer's i2pd goes on with what it knew of the session, and for over a minute nothing came through.
    answersAfterRestart: false,
    restart: async () => await network.restart(3)
  })
})
