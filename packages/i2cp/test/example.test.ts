import t from 'tap'
import { createLocalRouter } from '@minwww/local-router'
import { hello } from '../examples/hello.ts'

t.test('the example of the README runs', async t => {
  const router = createLocalRouter()
  t.teardown(() => router.close())
  t.equal(await hello({ connect: () => router.connect() }), 'hello to you too')
})
