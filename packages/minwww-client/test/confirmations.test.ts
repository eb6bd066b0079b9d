import t from 'tap'
import { Confirmations } from '../src/core/confirmations.ts'
import type { Exit } from '../src/core/exit.ts'

const exitOf = (id: string): Exit & { isProbed: boolean } => ({ id, isProbed: false }) as unknown as Exit & { isProbed: boolean }

t.test('an exit that answered a first message is asked once more, two seconds later, from the same own Destination', async t => {
  const confirmations = new Confirmations()
  const [a, b] = [exitOf('a'), exitOf('b')]
  t.strictSame([confirmations.nextTimeout(), confirmations.take(9_999)], [Infinity, undefined])
  confirmations.answered(1_000, a, 0)
  confirmations.answered(500, b, 1)
  t.strictSame([confirmations.nextTimeout(), confirmations.take(2_499)], [2_500, undefined])
  t.strictSame(confirmations.take(2_500), { exit: b, source: 1 })
  t.strictSame([confirmations.take(2_999), confirmations.nextTimeout()], [undefined, 3_000])
  t.strictSame(
    [confirmations.take(3_000), confirmations.take(3_000), confirmations.nextTimeout()],
    [{ exit: a, source: 0 }, undefined, Infinity]
  )
})

t.test('what goes there meanwhile is enough', async t => {
  const confirmations = new Confirmations()
  const [a, b] = [exitOf('a'), exitOf('b')]
  confirmations.sent(a, 0)
  for (const [exit, source] of [[a, 0], [a, 1], [b, 0]] as const) confirmations.answered(0, exit, source)
  confirmations.sent(a, 1)
  t.strictSame([confirmations.take(9_000), confirmations.take(9_000), confirmations.take(9_000)], [
    { exit: a, source: 0 }, { exit: b, source: 0 }, undefined
  ])
})

t.test('an exit that is asked from elsewhere is asked later; another one need not wait for it', async t => {
  const confirmations = new Confirmations()
  const [a, b] = [exitOf('a'), exitOf('b')]
  a.isProbed = true
  confirmations.answered(0, a, 0)
  confirmations.answered(0, b, 0)
  t.strictSame(confirmations.take(2_000), { exit: b, source: 0 })
  t.equal(confirmations.nextTimeout(), 4_000)
  a.isProbed = false
  t.strictSame(confirmations.take(4_000), { exit: a, source: 0 })
})

t.test('exits and own Destinations that are gone are asked nothing', async t => {
  const confirmations = new Confirmations()
  const [a, b] = [exitOf('a'), exitOf('b')]
  for (const exit of [a, b]) for (const source of [0, 1]) confirmations.answered(0, exit, source)
  confirmations.forgetExit(a)
  confirmations.forgetSource(1)
  t.strictSame([confirmations.take(2_000), confirmations.take(2_000)], [{ exit: b, source: 0 }, undefined])
})
