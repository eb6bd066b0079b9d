import { socketPair, stall } from '@minwww/testkit'
import t from 'tap'
import { systemClock } from '../src/node.ts'

t.test('after a stall the sockets are read before a timer is called', async t => {
  const [near, far] = await socketPair(t)
  const order: string[] = []
  const heard = new Promise<void>(resolve => far.once('data', () => { order.push('data'); resolve() }))
  const called = new Promise<void>(resolve => systemClock.setTimer(() => { order.push('timer'); resolve() }, 5))
  near.write('an answer')
  stall(50)
  await Promise.all([heard, called])
  t.strictSame(order, ['data', 'timer'])
})

t.test('a timer can be cleared, also between its time and its call', async t => {
  const first = systemClock.setTimer(() => t.fail('cleared'), 0)
  first.clear()
  let called = 0
  const timer = systemClock.setTimer(() => { called++ }, 1)
  // A plain timer of the same length, set later: after a stall, node calls both before it comes to the immediates.
  const cleared = new Promise<void>(resolve => setTimeout(() => { timer.clear(); setImmediate(resolve) }, 1))
  stall(5)
  await cleared
  t.equal(called, 0)
  timer.clear()
})

t.test('time has fractions and does not go back; odd lengths are no error', async t => {
  const before = systemClock.now()
  await new Promise<void>(resolve => systemClock.setTimer(resolve, -5))
  systemClock.setTimer(() => t.fail('not for 24 days'), 1e12).clear()
  t.ok(systemClock.now() >= before)
  t.ok(Math.abs(before - Date.now()) < 60_000)
})
