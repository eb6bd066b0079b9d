import t from 'tap'
import { Closers } from '../src/node.ts'

t.test('the newest is closed first, one after the other, and each once', async t => {
  const closers = new Closers()
  const order: string[] = []
  const resource = { name: 'first' }
  t.equal(closers.add(resource, async ({ name }) => {
    await new Promise(setImmediate)
    order.push(name)
  }), resource)
  closers.add('second', async name => {
    await new Promise(setImmediate)
    order.push(name)
  })
  t.equal(closers.closed, false)
  const closing = closers.close()
  t.equal(closers.closed, true, 'at once')
  await closing
  await closers.close()
  t.strictSame(order, ['second', 'first'])
})

t.test('what fails keeps nothing else open, and all of it is told', async t => {
  const closers = new Closers()
  const closed: string[] = []
  closers.add('last', name => closed.push(name))
  closers.add('bad', async () => { throw new Error('one') })
  closers.add('between', name => closed.push(name))
  closers.add('worse', () => { throw new Error('two') })
  await t.rejects(closers.close(), { name: 'AggregateError', errors: [{ message: 'two' }, { message: 'one' }] })
  t.strictSame(closed, ['between', 'last'])
  await t.resolves(closers.close(), 'what was closed is gone')
  closers.add('last', name => closed.push(name))
  closers.add('bad', () => { throw new Error('three') })
  await closers.close(error => closed.push(String(error)))
  t.strictSame(closed.slice(2), ['Error: three', 'last'], 'whoever asks is told at once')
})
