import t from 'tap'
import { fetchPage, freePort, startService } from '../e2e/harness.ts'
import { startNetwork, startSite } from './network.ts'
import { record, until, untilPage } from './rows.ts'

const PAGE = 'http://site.i2p/'
const FILE = '1-router'

t.setTimeout(300_000)

t.test('the router is killed and started again', async t => {
  const site = await startSite(t, (_request, response) => { response.setHeader('cache-control', 'max-age=600').end('hello') })
  const port = await freePort()
  const args = ['router', '--i2cp', `127.0.0.1:${port}`, '--latency', '10']
  let router = await startService(t, args)
  const i2cp = `127.0.0.1:${port}`
  const exit = await startService(t, ['exit', '--router', i2cp, '--site', `site.i2p=${site}`])
  const proxy = await startService(
    t, ['proxy', '--router', i2cp, '--proxy', '127.0.0.1:0', '--timeout', '20', '--exit', exit.json.destination]
  )
  const address = proxy.json.proxy as string
  t.equal((await fetchPage(PAGE, address)).status, 200)

  for (const [signal, fault] of [['SIGKILL', 'router killed'], ['SIGTERM', 'router ended and started again']] as const) {
    await router.stop(signal)
    const noticed = await until('the proxy notices', async () => (await fetchPage(`${address}/healthz`)).status === 503)
    const page = await fetchPage(
      `${PAGE}?new${signal}`, address, { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', accept: 'text/html' }
    )
    t.equal(page.status, 503)
    t.match(page.headers['x-minwww-error'], /^MINWWW_(NOT_READY|NO_ROUTER)$/)
    t.match(page.body.toString(), /<progress|role="?progressbar/)
    router = await startService(t, args)
    const again = await untilPage(PAGE, address)
    t.match((await fetchPage(PAGE, address)).headers.age, /^\d+$/, 'the copy that the cache had before')
    record(FILE, {
      fault,
      user: 'status 503 with a progress bar that reloads by itself',
      kept: 'cache, exits; the exit keeps its Destination, the proxy takes a new one',
      again: [['noticed', noticed], ['page after the router is back', again]]
    })
  }
})

t.test('the router is paused', async t => {
  const { router, address } = await startNetwork(t, { site: await startSite(t), proxy: ['--timeout', '6'] })
  t.equal((await fetchPage(PAGE, address)).status, 200)
  router.child.kill('SIGSTOP')
  const late = await fetchPage(`${PAGE}?late`, address)
  t.equal(late.status, 504)
  t.equal(late.headers['x-minwww-error'], 'MINWWW_TIMEOUT')
  const waiting = fetchPage(`${PAGE}?waits`, address)
  router.child.kill('SIGCONT')
  const resumed = performance.now()
  t.equal((await waiting).status, 200, 'what was asked during the pause is answered after it')
  const answered = performance.now() - resumed
  record(FILE, {
    fault: 'router paused (SIGSTOP)',
    user: 'pages wait; status 504 after --timeout (6 s here)',
    kept: 'sessions, tunnels, requests that still wait',
    again: [['error page', late.took], ['waiting page after SIGCONT', answered], ['next page', await untilPage(PAGE, address)]]
  })
})

t.test('the router is slow', async t => {
  const { address } = await startNetwork(
    t, { site: await startSite(t), router: ['--latency', '2000', '--jitter', '500', '--loss', '2', '--bandwidth', '32'] }
  )
  const first = await fetchPage(`${PAGE}5000`, address)
  t.equal(first.status, 200)
  const second = await fetchPage(`${PAGE}5001`, address)
  t.equal(second.status, 200)
  t.equal(second.body.length, 5001)
  record(FILE, {
    fault: 'router slow (2 s one way, 2 % loss, 32 KB/s)',
    user: 'pages come late, whole',
    kept: 'everything',
    again: [['first page, 5 KB', first.took], ['second page', second.took]]
  })
})
