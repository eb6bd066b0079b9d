import { seeded } from '@minwww/testkit'
import t from 'tap'
import { ExitSession } from '../src/core/session.ts'
import { Speaker } from '../src/core/speaker.ts'

const sessionOf = (source: number): ExitSession => new ExitSession(source, Buffer.from(seeded(`session ${source}`)(16)))

t.test('of two sessions at an exit the one to which most comes is the first', async t => {
  const [a, b] = [sessionOf(0), sessionOf(1)]
  const speaker = new Speaker()
  const firsts = (): boolean[] => [a, b].map(session => speaker.isFirst(session))
  b.symbolCame(0, 0, 4)
  t.strictSame([speaker.turn(0, new Set([a, b])), firsts()], [undefined, [false, true]], 'at once while none was')
  a.symbolCame(1_000, 0, 8)
  t.strictSame([speaker.turn(3_000, new Set([a, b])), firsts()], [undefined, [false, true]], 'for three seconds')
  t.strictSame([speaker.turn(3_001, new Set([a, b])), firsts()], [b, [false, false]], 'the other one is told, and waits for a round')
  t.strictSame([speaker.turn(3_002, new Set([a, b])), firsts()], [undefined, [true, false]])
  t.strictSame([speaker.turn(9_000, new Set([a, b])), firsts()], [undefined, [true, false]], 'as long as no other has more')
})

t.test('one that is waited for no more gives way at once', async t => {
  const [a, b] = [sessionOf(0), sessionOf(1)]
  const speaker = new Speaker()
  speaker.turn(0, new Set([a, b]))
  t.ok(speaker.isFirst(a))
  t.equal(speaker.turn(100, new Set([b])), a)
  speaker.turn(200, new Set([b]))
  t.ok(speaker.isFirst(b))
})
