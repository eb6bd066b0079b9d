// The acceptance suite on emissary 0.4.0: sessions on two of its routers, among routers of i2pd 2.59. Building emissary
// takes half an hour of a core the first time, so no other command runs this: npm run test:emissary.
import t from 'tap'
import { leavesNothing } from '../testnet/leaves-nothing.ts'
import { networkMissing, startNetwork } from '../testnet/network.ts'
import { doctorFindsWell } from './doctor.ts'
import { routerAcceptance } from './router-acceptance.ts'
import { TUNNELS } from './streaming-java.ts'

t.setTimeout(900_000)

const ROUTERS = [3, 4]
const reason = networkMissing({ suites: ['sid'], emissary: true })

t.test('emissary 0.4.0', { skip: reason ?? false }, async t => {
  const network = await startNetwork({ hops: [1], suite: 'sid', emissary: ROUTERS, readyTimeout: 120_000 })
  t.teardown(async () => await network.stop())
  await routerAcceptance(t, {
    name: 'emissary 0.4.0',
    places: [() => network.connect(3), () => network.connect(4)],
    options: TUNNELS,
    settle: 5_000,
    exchange: { wait: 5_000, attempts: 12 },
    drops: [20] // it passes on 6, 17, 18 and 19
    // No restart: another emissary does not reach the one that was started anew (docs/reference/routers.md).
  })
  await t.test('minwww doctor', async t => await doctorFindsWell(t, network, 4, 'emissary', /^publishesOnlyIfTold$/))
  await t.test('the closed network', async t => await leavesNothing(t, network))
})
