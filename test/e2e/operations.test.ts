import t, { type Test } from 'tap'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fetchPage, freePort, logLines, missing, startService, temporaryFolder, type Service } from './harness.ts'
import { CHROMIUM, screenshot, startBrowser } from './browser.ts'

const PROMTOOL = '/usr/bin/promtool'
const PROMETHEUS = '/usr/bin/prometheus'
const KILOBYTE = 1024
/** The accounting of the last second may be lost, ms. */
const ACCOUNTING = 1_000
/** Requests of the test under load. */
const REQUESTS = 240

/** A web server whose answer to /N is N bytes, and to anything else a few. */
async function startSizes (t: Test): Promise<string> {
  const server = createServer((request, response) => { response.end(Buffer.alloc(Number(request.url?.slice(1).replace(/\?.*/, '')) || 10, 'abcdefghi')) })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => { server.closeAllConnections(); server.close() })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

interface Network { exits: Service[], proxy: Service, origin: string, fetch: (path: string) => ReturnType<typeof fetchPage> }

/** A router, exits that serve one site, and a proxy, as processes of their own. */
async function startNetwork (t: Test, exitArgs: string[][], proxyArgs: string[] = []): Promise<Network> {
  const origin = await startSizes(t)
  const router = await startService(t, ['router', '--i2cp', '127.0.0.1:0', '--latency', '10'])
  const i2cp = ['--router', router.json.i2cp as string]
  const exits = await Promise.all(exitArgs.map(async args => await startService(t, ['exit', ...i2cp, '--site', `sizes.i2p=${origin}`, ...args])))
  const proxy = await startService(t, ['proxy', ...i2cp, '--proxy', '127.0.0.1:0', ...exits.flatMap(exit => ['--exit', exit.json.destination as string]), ...proxyArgs])
  return { exits, proxy, origin, fetch: async path => await fetchPage(`http://sizes.i2p${path}`, proxy.json.proxy) }
}

t.test('the second request to a site of ours goes as a message', async t => {
  const { exits: [exit], proxy } = await startNetwork(t, [[]], ['--log-level', 'debug'])
  const url = `http://${String(exit?.json.b32)}`
  const paths = () => logLines(proxy.stderr()).filter(({ msg }) => msg === 'request done').map(({ path, status }) => `${String(path)} ${String(status)}`)
  const site = await fetchPage(`${url}/1000`, proxy.json.proxy)
  t.equal(site.status, 200)
  t.equal(site.body.length, 1000)
  t.equal(site.headers['alt-svc'], undefined, 'the announcement is for the proxy')
  await fetchPage(`${url}/2000`, proxy.json.proxy)
  t.equal((await fetchPage(`${url}/200000`, proxy.json.proxy)).body.length, 200_000)
  await proxy.stop()
  t.strictSame(paths(), ['stream 200', 'message 200', 'stream 200'])
})

t.test('metrics as Prometheus wants them, consoles under load', { skip: missing(CHROMIUM, PROMTOOL, PROMETHEUS) }, async t => {
  const console = `127.0.0.1:${await freePort()}`
  const { proxy, fetch } = await startNetwork(t, [['--console', console, '--limit-out', '200', '--quota-day', '50', '--state', temporaryFolder(t)], []])
  const address = new URL(proxy.json.proxy).host
  const browser = await startBrowser(t)
  const page = await browser.newPage({ viewport: { width: 1200, height: 900 } })
  const load = Array.from({ length: 120 }, async (_, index) => await fetch(`/${1000 + index * 400}?${index}`))
  await page.goto(`http://${console}/`)
  await page.waitForSelector('#traffic canvas')
  await Promise.all(load.slice(0, 60))
  await screenshot(page, 'exit-console-load')
  await page.goto(`http://${address}/console`)
  await page.waitForSelector('#requests td:text-is("message")')
  await screenshot(page, 'console-load')
  t.strictSame([...new Set((await Promise.all(load)).map(({ status }) => status))], [200])

  for (const host of [console, address]) {
    const { body, headers } = await fetchPage(`http://${host}/metrics`)
    t.match(headers['content-type'], /^text\/plain/)
    const { status, stdout, stderr } = spawnSync(PROMTOOL, ['check', 'metrics'], { input: body, encoding: 'utf8' })
    t.equal(status, 0, `${stdout}${stderr}`)
    t.equal(stderr, '')
    t.notMatch(body.toString(), /sizes\.i2p|127\.0\.0\.1/, 'no host in it')
  }
  await t.test('scraped by Prometheus', async t => { await scrape(t, [console, address]) })
})

async function scrape (t: Test, targets: string[]): Promise<void> {
  const folder = temporaryFolder(t)
  const listen = `127.0.0.1:${await freePort()}`
  const config = { global: { scrape_interval: '1s' }, scrape_configs: [{ job_name: 'minwww', static_configs: [{ targets }] }] }
  writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify(config))
  const child = spawn(PROMETHEUS, [`--config.file=${folder}/prometheus.yml`, `--storage.tsdb.path=${folder}/data`, `--web.listen-address=${listen}`], { stdio: 'ignore' })
  const ended = once(child, 'exit')
  t.teardown(async () => { child.kill('SIGKILL'); await ended })
  const query = async (expression: string): Promise<number[]> => {
    const answer = await fetchPage(`http://${listen}/api/v1/query?query=${encodeURIComponent(expression)}`).catch(() => undefined)
    if (answer?.status !== 200) return []
    const { data } = JSON.parse(answer.body.toString()) as { data: { result: Array<{ value: [number, string] }> } }
    return data.result.map(({ value }) => Number(value[1]))
  }
  const deadline = performance.now() + 60_000
  while ((await query('up == 1')).length < targets.length && performance.now() < deadline) await new Promise(resolve => setTimeout(resolve, 200))
  t.strictSame(await query('up'), [1, 1])
  t.ok(((await query('minwww_exit_out_bytes_total'))[0] ?? 0) > 100_000)
  t.ok(((await query('sum(minwww_proxy_requests_total)'))[0] ?? 0) >= 120)
}

t.test('drain and reload under load lose no request', async t => {
  const denied = join(temporaryFolder(t), 'denied')
  writeFileSync(denied, '')
  const { exits, proxy, fetch } = await startNetwork(t, [['--deny-hosts', denied], ['--deny-hosts', denied]])
  let next = 0
  let reached = (): void => {}
  const failed: string[] = []
  const client = async (): Promise<void> => {
    while (next < REQUESTS) {
      const size = next++ % 10 === 0 ? 200_000 : 5_000
      reached()
      const { status, body, headers } = await fetch(`/${size}?${next}`)
      if (status !== 200 || body.length !== size) failed.push(`${status} ${String(headers['x-minwww-error'])} ${body.length} of ${size}`)
    }
  }
  const progress = async (count: number): Promise<void> => {
    await new Promise<void>(resolve => { reached = () => { if (next >= count) resolve() } })
  }
  const began = performance.now()
  const clients = Array.from({ length: 8 }, client)
  await progress(60)
  writeFileSync(denied, 'bad.example\n')
  for (const service of [...exits, proxy]) service.child.kill('SIGHUP')
  await progress(120)
  const { status, took } = await exits[0]!.stop('SIGTERM')
  t.equal(status, 0)
  t.ok(next < REQUESTS, 'there was load to the end of it')
  await Promise.all(clients)
  t.strictSame(failed, [])
  t.comment(`${REQUESTS} requests in ${Math.round((performance.now() - began) / 100) / 10} s; the drained exit ended in ${Math.round(took)} ms`)
  t.equal(proxy.child.exitCode, null)
})

t.test('kill -9 keeps the quota', async t => {
  const [state, keys] = [temporaryFolder(t), join(temporaryFolder(t), 'exit.dat')]
  const router = await startService(t, ['router', '--i2cp', '127.0.0.1:0'])
  const origin = await startSizes(t)
  const start = async (): Promise<{ exit: Service, console: string }> => {
    const console = `127.0.0.1:${await freePort()}`
    const exit = await startService(t, ['exit', '--router', router.json.i2cp, '--site', `sizes.i2p=${origin}`, '--keys', keys, '--state', state, '--quota-day', '2', '--console', console])
    return { exit, console }
  }
  const used = async (console: string): Promise<number> => (JSON.parse((await fetchPage(`http://${console}/state`)).body.toString()) as { quota: { dayUsed: number } }).quota.dayUsed
  const first = await start()
  const proxy = await startService(t, ['proxy', '--router', router.json.i2cp, '--proxy', '127.0.0.1:0', '--exit', first.exit.json.destination, '--timeout', '8'])
  const fetch = async (path: string) => await fetchPage(`http://sizes.i2p${path}`, proxy.json.proxy)
  for (let index = 0; index < 4; index++) t.equal((await fetch(`/${100 * KILOBYTE}?${index}`)).status, 200)
  const before = await used(first.console)
  t.ok(before > 400 * KILOBYTE, `${before} bytes used`)
  await new Promise(resolve => setTimeout(resolve, ACCOUNTING))
  await first.exit.stop('SIGKILL')
  const second = await start()
  t.ok(await used(second.console) >= before, `${await used(second.console)} bytes after the restart`)

  const statuses: number[] = []
  for (let index = 0; index < 40 && statuses.at(-1) !== 503; index++) statuses.push((await fetch(`/${100 * KILOBYTE}?again${index}`)).status)
  t.equal(statuses.at(-1), 503, statuses.join())
  const over = await used(second.console) - 2 * KILOBYTE * KILOBYTE
  t.ok(over < 300 * KILOBYTE, `the last answer that was let in is finished: ${over} bytes over`)
  t.equal((await fetchPage(`http://${second.console}/healthz`)).status, 503)
  await new Promise(resolve => setTimeout(resolve, ACCOUNTING))
  await second.exit.stop('SIGKILL')
  const third = await start()
  t.equal((await fetchPage(`http://${third.console}/healthz`)).status, 503, 'the quota is still used up')
})
