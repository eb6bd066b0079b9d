import t from 'tap'
import { join } from 'node:path'
import { fetchPage, logLines, startService, temporaryFolder, until, type Page } from './harness.ts'
import { startWebSite } from './web-site.ts'

/** A page that a person opens may keep him waiting this long once its exit is gone, ms. */
const MOST = 15_000
const WINDOW = { accept: 'text/html' }

t.test('the only exit is killed: the page says so, and so do health, log and console; it comes back', async t => {
  const site = await startWebSite(t)
  const router = await startService(t, ['router', '--i2cp', '127.0.0.1:0', '--latency', '10'])
  const keys = join(temporaryFolder(t), 'exit.keys')
  const startExit = async (): ReturnType<typeof startService> =>
    await startService(t, ['exit', '--router', router.json.i2cp, '--keys', keys, '--site', `web.i2p=${site.origin}`])
  const exit = await startExit()
  const proxy = await startService(t, ['proxy', '--router', router.json.i2cp, '--proxy', '127.0.0.1:0', '--exit', exit.json.destination])
  const ask = async (path: string): Promise<Page> => await fetchPage(`http://web.i2p${path}`, proxy.json.proxy, WINDOW)
  const local = async (path: string): Promise<Page> => await fetchPage(`${String(proxy.json.proxy)}${path}`)
  t.equal((await ask('/form')).status, 200)
  t.equal((await local('/healthz')).status, 200)

  await exit.stop('SIGKILL')
  const first = await ask('/form?1')
  t.equal(first.status, 504)
  t.equal(first.headers['x-minwww-error'], 'MINWWW_EXIT_SILENT')
  t.ok(first.took < MOST, `${Math.round(first.took)} ms`)
  t.match(first.body.toString(), /Try again[^]*the only one is silent since \d\d:\d\d:\d\d UTC/)
  const health = await local('/healthz')
  t.equal(health.status, 503)
  t.match(JSON.parse(health.body.toString()), { ready: false, state: 'silent', cause: /No exit works/ })
  t.match(JSON.parse((await local('/console/state')).body.toString()), { pool: { state: 'silent' }, exits: [{ state: 'down' }] })
  t.ok(await until(() => logLines(proxy.stderr()).some(({ msg }) => /^No exit works/.test(String(msg)))), proxy.stderr().slice(-500))

  const again = await startExit()
  // Nobody browses: that somebody watches is enough.
  while ((await local('/healthz')).status !== 200) await new Promise(resolve => setTimeout(resolve, 250))
  await again.stop('SIGKILL')
  t.equal((await ask('/form?3')).status, 504)
  await startExit()
  const back = await ask('/form?2')
  t.equal(back.status, 200)
  t.equal((await local('/healthz')).status, 200)
  t.comment(`the page after the exit's death: ${Math.round(first.took)} ms; after its return: ${Math.round(back.took)} ms`)
})
