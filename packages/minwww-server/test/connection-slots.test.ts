import t from 'tap'
import { ConnectionSlots, DEFAULT_SLOTS, type Slot } from '../src/fetch/connection-slots.ts'

/** Takes as many as it gets, of as many origins as it likes. */
function takeAll (slots: ConnectionSlots, visitor: string): Slot[] {
  const taken: Slot[] = []
  for (let origin = 0; origin < 40; origin++) {
    for (let i = 0; i < 10; i++) {
      const slot = slots.slot(visitor, `http://${origin}.example`)
      if (!slot.isFree()) continue
      slot.take()
      taken.push(slot)
    }
  }
  return taken
}

t.test('one visitor alone has a fifth of them, whatever he opens', async t => {
  t.equal(takeAll(new ConnectionSlots(DEFAULT_SLOTS, () => {}), 'a').length, 52)
})

t.test('visitors whose sites never answer leave room for others', async t => {
  for (const [visitors, least] of [[1, 40], [4, 20], [8, 8], [16, 1], [20, 1]] as const) {
    const slots = new ConnectionSlots(DEFAULT_SLOTS, () => {})
    for (let i = 0; i < visitors; i++) takeAll(slots, `stalled ${i}`)
    const left = takeAll(slots, 'honest').length
    t.ok(left >= least, `${left} after ${visitors}`)
  }
})

t.test('what is given back is free for everybody', async t => {
  let freed = 0
  const slots = new ConnectionSlots({ ...DEFAULT_SLOTS, total: 2 }, () => { freed++ })
  const [first] = takeAll(slots, 'a')
  t.equal(slots.used, 1)
  t.equal(takeAll(slots, 'b').length, 1)
  t.notOk(slots.slot('c', 'http://x.example').isFree(), 'all are used')
  first!.release()
  first!.release()
  t.equal(freed, 1)
  t.ok(slots.slot('c', 'http://x.example').isFree())
})
