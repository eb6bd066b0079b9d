// The acceptance suite on Java I2P's router: a closed network of eight Java routers, 1-hop tunnels. A Java router
// builds no tunnel in its first 90 s, so this takes three minutes; MINWWW_SKIP_SLOW=1 leaves it out.
import t from 'tap'
import { leavesNothing } from '../testnet/leaves-nothing.ts'
import { networkMissing, startNetwork } from '../testnet/network.ts'
import { doctorFindsWell } from './doctor.ts'
import { javaClasspath, javaMissing } from './java.ts'
import { routerAcceptance } from './router-acceptance.ts'
import { TUNNELS } from './streaming-java.ts'

t.setTimeout(580_000)

const ROUTERS = [1, 2, 3, 4, 5, 6, 7, 8]
const reason = process.env.MINWWW_SKIP_SLOW !== undefined
  ? 'MINWWW_SKIP_SLOW is set'
  : networkMissing({ java: true, emulatedLinks: true }) ?? javaMissing()

t.test('Java I2P', { skip: reason ?? false }, async t => {
  const network = await startNetwork(
    { routers: ROUTERS.length, floodfills: 4, hops: [], delay: 10, java: ROUTERS, classpath: await javaClasspath() }
  )
  t.teardown(async () => await network.stop())
  await routerAcceptance(t, {
    name: 'Java I2P',
    places: [() => network.connect(1), () => network.connect(3)],
    options: TUNNELS,
    // A look-up that starts before the peer's LeaseSet is stored waits 15 s, loses what is sent meanwhile, and after
    // three failures the router answers "not found" from memory for minutes: patience first, then few attempts, then
    // new Destinations.
    settle: 10_000,
    exchange: { wait: 25_000, attempts: 3 }
    // No restart here: it would cost another 100 s. local-router and i2pd show it.
  })
  await t.test('minwww doctor', async t => await doctorFindsWell(t, network, 3, 'java', /none in force/))
  await t.test('the closed network with emulated links', async t => await leavesNothing(t, network))
})
