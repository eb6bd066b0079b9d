import t from 'tap'
import { DEFAULT_CONFIG } from '../src/core.ts'
import { limitedTo } from '../src/exit/create-core.ts'

t.test('an exit without a limit runs with the limits that the models and the tables were made with', async t => {
  const { limit, serverRate, maxBacklog } = DEFAULT_CONFIG
  t.same(limitedTo(0), { limit, serverRate, maxBacklog })
})

t.test('a limit is announced, and the core runs a little ahead of it at most', async t => {
  const { limit, serverRate, maxBacklog } = limitedTo(200_000)
  t.equal(limit, 200_000)
  t.ok(serverRate > limit && serverRate < 1.5 * limit)
  t.ok(maxBacklog < DEFAULT_CONFIG.maxBacklog)
  t.equal(limitedTo(1e12).serverRate, DEFAULT_CONFIG.serverRate, 'and never faster than without one')
})
