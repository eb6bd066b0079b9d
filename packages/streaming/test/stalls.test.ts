import t from 'tap'
import { StallWatch } from '../src/core/stall-watch.ts'
import { EPOCH, World } from './support/world.ts'
import { LayeredCore } from '../src/core.ts'

const RTO = 1_000
const signs = (timeouts: number, duplicates = 0) => ({ timeouts, duplicates, rto: RTO })

t.test('a timeout without an ACK asks for another tunnel, once in ten seconds', async t => {
  const watch = new StallWatch(() => 0)
  t.notOk(watch.leaves(0, signs(0)))
  t.ok(watch.leaves(1_000, signs(1)))
  t.notOk(watch.leaves(2_000, signs(1)))
  t.notOk(watch.leaves(3_000, signs(2)), 'too soon')
  t.notOk(watch.leaves(10_999, signs(2)))
  t.ok(watch.leaves(11_000, signs(2)), 'it is still due')
  t.notOk(watch.leaves(30_000, signs(2)))
})

t.test('a random while later, up to a quarter of the timeout, and 2 s', async t => {
  const late = new StallWatch(() => 1)
  t.notOk(late.leaves(1_000, signs(1)))
  t.notOk(late.leaves(1_249, signs(1)))
  t.ok(late.leaves(1_250, signs(1)))
  const slow = new StallWatch(() => 1)
  t.notOk(slow.leaves(1_000, { timeouts: 1, duplicates: 0, rto: 45_000 }))
  t.notOk(slow.leaves(2_999, { timeouts: 1, duplicates: 0, rto: 45_000 }))
  t.ok(slow.leaves(3_000, { timeouts: 1, duplicates: 0, rto: 45_000 }))
})

t.test('a peer that repeats what it was sent an ACK for does not get the ACKs', async t => {
  const watch = new StallWatch(() => 0)
  t.notOk(watch.leaves(0, signs(0, 0)))
  t.notOk(watch.leaves(100, signs(0, 1)), 'the ACK of the first duplicate leaves')
  t.notOk(watch.leaves(200, signs(0, 1)))
  t.ok(watch.leaves(1_100, signs(0, 2)), 'and it was repeated again')
  t.notOk(watch.leaves(12_000, signs(0, 3)), 'from the start')
})

/** What leaves of a stream whose path is dead, and whether with the flag. */
function flags (switchesTunnels: boolean): boolean[] {
  const world = new World({ seed: 1, latency: 50 })
  const wire = new LayeredCore(world.client.core, undefined, switchesTunnels ? () => 0.5 : undefined)
  const stream = world.connect()
  stream.write(EPOCH, Buffer.from('GET'))
  const sent: boolean[] = []
  for (let now = EPOCH; now < EPOCH + 120_000; now = Math.max(now + 1, wire.nextTimeout() ?? Infinity)) {
    wire.handleTimeout(now)
    for (let next = wire.pollTransmit(now); next !== undefined; next = wire.pollTransmit(now)) sent.push(next.switchTunnel === true)
  }
  return sent
}

t.test('a stream whose path is dead says so to the router, if that was asked for', async t => {
  const sent = flags(true)
  t.ok(sent.length > 2 && sent[0] === false && sent.slice(1).includes(true), sent.join(' '))
  t.ok(flags(false).every(flag => !flag))
})
