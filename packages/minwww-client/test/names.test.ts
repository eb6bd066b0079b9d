import { LocalDestination } from '@minwww/i2cp'
import { seeded } from '@minwww/testkit'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { NameService } from '../src/route/names.ts'

t.test('a name that could not be saved does not keep later ones from being saved', async t => {
  const folder = join(t.testdir(), 'later')
  const names = new NameService(join(folder, 'hosts.txt'))
  const [first, second] = ['first', 'second'].map(seed => LocalDestination.generate(seeded(seed)).destination)
  await t.rejects(names.add('first.i2p', first!), { code: 'ENOENT' })
  mkdirSync(folder)
  await names.add('second.i2p', second!)
  t.equal(readFileSync(join(folder, 'hosts.txt'), 'utf8'), `first.i2p=${first!.base64}\nsecond.i2p=${second!.base64}\n`)
})
