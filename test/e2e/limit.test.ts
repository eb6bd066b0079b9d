import t from 'tap'
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fetchPage, freePort, startService } from './harness.ts'

/** The limit under test, bytes/s, and for how long it is measured, ms. */
const LIMIT = 64 * 1024
const DURATION = 60_000
const CLIENTS = 3
/** Requests of a client at a time: so many that the exit always has something to send. */
const PARALLEL = 4
const BODY = 24 * 1024

t.test('--limit-out 64 is 64 KB/s over a minute, whoever asks', async t => {
  const body = randomBytes(BODY)
  const site = createServer((_request, response) => { response.end(body) })
  await new Promise<void>(resolve => site.listen(0, '127.0.0.1', resolve))
  t.teardown(() => { site.closeAllConnections(); site.close() })
  const router = await startService(t, ['router', '--i2cp', '127.0.0.1:0', '--latency', '20'])
  const i2cp = ['--router', router.json.i2cp as string]
  const console = `127.0.0.1:${await freePort()}`
  const exit = await startService(t, ['exit', ...i2cp, '--site', `a.i2p=http://127.0.0.1:${(site.address() as AddressInfo).port}`, '--limit-out', '64', '--console', console])
  const proxies = await Promise.all(Array.from({ length: CLIENTS }, async () => await startService(t, ['proxy', ...i2cp, '--proxy', '127.0.0.1:0', '--exit', exit.json.destination])))

  const sent = async (): Promise<{ now: number, out: number }> => {
    const state = JSON.parse((await fetchPage(`http://${console}/state`)).body.toString()) as { now: number, totals: { out: number } }
    return { now: state.now, out: state.totals.out }
  }
  const deadline = performance.now() + DURATION + 4_000
  const shares = proxies.map(() => 0)
  const statuses = new Map<number, number>()
  const browse = async (client: number): Promise<void> => {
    while (performance.now() < deadline) {
      const { status, body } = await fetchPage('http://a.i2p/', proxies[client]?.json.proxy as string, { 'cache-control': 'no-store' })
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
      if (status === 200) shares[client]! += body.length
    }
  }
  const load = Promise.allSettled(proxies.flatMap((_proxy, client) => Array.from({ length: PARALLEL }, async () => await browse(client))))
  // What may leave at once after a rest is no part of the rate.
  await new Promise(resolve => setTimeout(resolve, 3_000))
  const first = await sent()
  await new Promise(resolve => setTimeout(resolve, DURATION))
  const last = await sent()
  for (const proxy of proxies) await proxy.stop('SIGKILL')
  await load
  const rate = (last.out - first.out) / ((last.now - first.now) / 1_000)
  t.ok(Math.abs(rate / LIMIT - 1) <= 0.02, `${(rate / 1024).toFixed(2)} KB/s in ${((last.now - first.now) / 1_000).toFixed(1)} s`)
  t.comment(`${(rate / 1024).toFixed(2)} KB/s; bodies of the clients, KB: ${shares.map(bytes => Math.round(bytes / 1024)).join()}; statuses ${JSON.stringify([...statuses])}`)
})
