/**
 * A test of one's own app, with the embedded router and in virtual time: a path with 600 ms of latency and 5 % of loss, in
 * milliseconds of real time, and with the same losses each time.
 *   node --import tsx --test packages/http/examples/own-app.test.ts
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '@minwww/ground/virtual'
import { createI2p } from '@minwww/http'
import type { I2p } from '@minwww/http'
import { createLocalRouter } from '@minwww/local-router'

/** The app: a counter for each visitor. */
function serveCounter (i2p: I2p): void {
  const visits = new Map<string, number>()
  i2p.createServer((request, response) => {
    const visitor = request.socket.remoteAddress ?? ''
    visits.set(visitor, (visits.get(visitor) ?? 0) + 1)
    response.end(String(visits.get(visitor)))
  }).listen(80)
}

test('each visitor has a count of its own, over a bad path', async () => {
  const clock = new VirtualClock()
  const router = createLocalRouter({ seed: 7, latency: 600, loss: 0.05, clock })
  const sessions = [1, 2, 3].map(async () => await createI2p({ router, clock }))
  const [site, alice, bob] = await clock.until(Promise.all(sessions)) as [I2p, I2p, I2p]
  serveCounter(site)
  const visit = async (i2p: I2p): Promise<string> => await (await i2p.fetch(`http://${site.address}/`)).text()

  assert.equal(await clock.until(visit(alice)), '1')
  const before = clock.now()
  assert.equal(await clock.until(visit(alice)), '2')
  assert.ok(clock.now() - before >= 1_200, 'a round trip has passed')
  assert.equal(await clock.until(visit(bob)), '1')

  await clock.until(Promise.all([site, alice, bob].map(async i2p => await i2p.close())))
  await router.close()
})
