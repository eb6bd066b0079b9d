import { LocalDestination } from '@minwww/i2cp/codec'
import { EPOCH, seeded } from '@minwww/testkit'
import t from 'tap'
import { DEFAULT_CONFIG } from '../src/core/config.ts'
import { Exit } from '../src/core/exit.ts'

t.test('an exit is asked from the Destination that answers came to, and from one only while both get some', async t => {
  const exit = new Exit('exit', LocalDestination.generate(seeded('exit')).destination, DEFAULT_CONFIG)
  exit.answeredTo(EPOCH + 100, 1, EPOCH)
  t.equal(exit.source, 1, 'nothing ever came to the first')
  exit.answeredTo(EPOCH + 200, 0, EPOCH + 50)
  t.equal(exit.source, 1, 'meanwhile a page came to the second')
  exit.answeredTo(EPOCH + 300, 1, EPOCH + 100)
  exit.answeredTo(EPOCH + 900, 0, EPOCH + 301)
  t.equal(exit.source, 0, 'nothing came to the second while a whole page did to the first')
})
