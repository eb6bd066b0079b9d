// The acceptance suite on the embedded router: over a perfect network, over one with loss, and on TCP.
import { connect } from 'node:net'
import t from 'tap'
import { createLocalRouter } from '@minwww/local-router'
import { routerAcceptance } from './router-acceptance.ts'

t.test('in the process', async t => {
  const router = createLocalRouter({ seed: 1, latency: 2, jitter: 0, loss: 0 })
  t.teardown(async () => await router.close())
  await routerAcceptance(t, {
    name: 'local-router',
    places: [() => router.connect(), () => router.connect()],
    restart: async () => router.dropConnections()
  })
})

t.test('on TCP, 2 % loss per tunnel message', async t => {
  const router = createLocalRouter({ seed: 2, latency: 5, jitter: 2, loss: 0.02 })
  t.teardown(async () => await router.close())
  const address = await router.listen({ host: '127.0.0.1', port: 0 })
  await routerAcceptance(t, {
    name: 'local-router with loss',
    places: [() => connect(address), () => connect(address)],
    exchange: { wait: 500, attempts: 40 }
  })
})
