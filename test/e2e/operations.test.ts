import t, { type Test } from 'tap'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fetchPage, freePort, logLines, missing, startService, temporaryFolder, type Service } from './harness.ts'
import { spawnBound } from './bound-process.ts'
import { CHROMIUM, screenshot, startBrowser } from './browser.ts'

const PROMTOOL = '/usr/bin/promtool'
const PROMETHEUS = '/usr/bin/prometheus'
const KILOBYTE = 1024
/** The accounting of the last second may be lost, ms. */
const ACCOUNTING = 1_000

/** A web server whose answer to /N is N bytes, and to anything else a few. */
async function startSizes (t: Test): Promise<string> {
  const server = createServer(
    (request, response) => { response.end(Buffer.alloc(Number(request.url?.slice(1).replace(/\?.*/, '')) || 10, 'abcdefghi')) }
  )
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
  const exits = await Promise.all(
    exitArgs.map(async args => await startService(t, ['exit', ...i2cp, '--site', `sizes.i2p=${origin}`, ...args]))
  )
  const proxy = await startService(
    t, ['proxy', ...i2cp, '--proxy', '127.0.0.1:0', ...exits.flatMap(exit => ['--exit', exit.json.destination as string]), ...proxyArgs]
  )
  return { exits, proxy, origin, fetch: async path => await fetchPage(`http://sizes.i2p${path}`, proxy.json.proxy) }
}

t.test('the second request to a site of ours goes as a message', async t => {
  const { exits: [exit], proxy } = await startNetwork(t, [[]], ['--log-level', 'debug'])
  const url = `http://${String(exit?.json.b32)}`
  const paths = () => logLines(proxy.stderr()).filter(({ msg }) => msg === 'request done')
    .map(({ path, status }) => `${String(path)} ${String(status)}`)
  const site = await fetchPage(`${url}/1000`, proxy.json.proxy)
  t.equal(site.status, 200)
  t.equal(site.body.length, 1000)
  t.equal(site.headers['alt-svc'], undefined, 'the announcement is for the proxy')
  await fetchPage(`${url}/2000`, proxy.json.proxy)
  t.equal((await fetchPage(`${url}/200000`, proxy.json.proxy)).body.length, 200_000)
  await proxy.stop()
  t.strictSame(paths(), ['stream 200', 'message 200', 'message 200'], 'a long answer begins as a message')
})

t.test('metrics as Prometheus wants them, consoles under load', { skip: missing(CHROMIUM, PROMTOOL, PROMETHEUS) }, async t => {
  const console = `127.0.0.1:${await freePort()}`
  const { proxy, fetch } = await startNetwork(
    t, [['--console', console, '--limit-out', '200', '--quota-day', '50', '--state', temporaryFolder(t)], []]
  )
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
  const child = spawnBound(PROMETHEUS, [
    `--config.file=${folder}/prometheus.yml`, `--storage.tsdb.path=${folder}/data`, `--web.listen-address=${listen}`
  ], { stdio: 'ignore' })
  const ended = once(child, 'exit')
  t.teardown(async () => { child.kill('SIGKILL'); await ended })
  const query = async (expression: string): Promise<number[]> => {
    const answer = await fetchPage(`http://${listen}/api/v1/query?query=${encodeURIComponent(expression)}`).catch(() => undefined)
    if (answer?.status !== 200) return []
    const { data } = JSON.parse(answer.body.toString()) as { data: { result: Array<{ value: [number, string] }> } }
    return data.result.map(({ value }) => Number(value[1]))
  }
  const deadline = performance.now() + 60_000
  // On a busy machine a scrape may be late, and what it brings may not be there yet when `up` is.
  const shows = async (expression: string): Promise<boolean> => {
    while ((await query(expression)).length === 0) {
      if (performance.now() > deadline) return false
      await new Promise(resolve => setTimeout(resolve, 200))
    }
    return true
  }
  t.ok(await shows(`sum(up) == ${targets.length}`), 'both are scraped')
  t.ok(await shows('minwww_exit_out_bytes_total > 100000'))
  t.ok(await shows('sum(minwww_proxy_requests_total) >= 120'))
}

t.test('drain and reload under load lose no request', async t => {
  const folder = temporaryFolder(t)
  const [denied, config] = [join(folder, 'denied'), join(folder, 'minwww.toml')]
  writeFileSync(denied, '')
  writeFileSync(config, '[exit]\nquota-day = 1000\n')
  const console = `127.0.0.1:${await freePort()}`
  const args = ['--config', config, '--deny-hosts', denied, '--drain-time', '60']
  const { exits, proxy, fetch } = await startNetwork(t, [args, [...args, '--console', console]])
  let asked = 0
  const run = { isOver: false }
  let reached = (): void => {}
  const failed: string[] = []
  const client = async (): Promise<void> => {
    while (!run.isOver) {
      const size = asked++ % 10 === 0 ? 200_000 : 5_000
      reached()
      const { status, body, headers } = await fetch(`/${size}?${asked}`)
      if (status !== 200 || body.length !== size) failed.push(`${status} ${String(headers['x-minwww-error'])} ${body.length} of ${size}`)
    }
  }
  const progress = async (count: number): Promise<void> => {
    const target = asked + count
    await new Promise<void>(resolve => { reached = () => { if (asked >= target) resolve() } })
  }
  const limits = async (): Promise<{ out: number }> => (JSON.parse(
    (await fetchPage(`http://${console}/state`)).body.toString()
  ) as { limits: { out: number } }).limits
  const began = performance.now()
  const clients = Array.from({ length: 8 }, client)
  await progress(60)
  t.equal((await limits()).out, 0)
  writeFileSync(denied, 'bad.example\n')
  writeFileSync(config, '[exit]\nlimit-out = 5000\n')
  for (const service of [...exits, proxy]) service.child.kill('SIGHUP')
  await eventually(async () => (await limits()).out === 5_000 * KILOBYTE)
  await progress(60)
  const { status, took } = await exits[0]!.stop('SIGTERM')
  t.equal(status, 0)
  await progress(60)
  run.isOver = true
  await Promise.all(clients)
  t.strictSame(failed, [])
  t.comment(
    `${asked} requests in ${Math.round((performance.now() - began) / 100) / 10} s; the drained exit ended in ${Math.round(took)} ms`
  )
  t.equal(proxy.child.exitCode, null)
})

/** Asks until it is so; a test that waits in vain is ended by its own time limit. */
async function eventually (isSo: () => Promise<boolean>): Promise<void> {
  while (!await isSo()) await new Promise(resolve => setTimeout(resolve, 100))
}

t.test('kill -9 under load keeps the quota, and it is kept until it is used up', async t => {
  const [state, keys] = [temporaryFolder(t), join(temporaryFolder(t), 'exit.dat')]
  const router = await startService(t, ['router', '--i2cp', '127.0.0.1:0'])
  const origin = await startSizes(t)
  const console = `127.0.0.1:${await freePort()}`
  const start = async (): Promise<Service> => await startService(t, [
    'exit', '--router', router.json.i2cp, '--site', `sizes.i2p=${origin}`, '--keys', keys, '--state', state, '--quota-day', '8',
    // So slow that the quota lasts for both rounds.
    '--limit-out', '500', '--console', console
  ])
  /** What the exit has counted, and when by its own clock. */
  const used = async (): Promise<{ now: number, bytes: number }> => {
    const { now, quota } = JSON.parse(
      (await fetchPage(`http://${console}/state`)).body.toString()
    ) as { now: number, quota: { dayUsed: number } }
    return { now, bytes: quota.dayUsed }
  }
  let exit = await start()
  const proxy = await startService(t, ['proxy', '--router', router.json.i2cp, '--proxy', '127.0.0.1:0', '--exit', exit.json.destination])
  const run = { isOver: false }
  let asked = 0
  const load = Promise.all(Array.from({ length: 2 }, async () => {
    while (!run.isOver) {
      const page = await fetchPage(`http://sizes.i2p/${50 * KILOBYTE}?${asked++}`, proxy.json.proxy).catch(() => undefined)
      if (page?.status !== 200) await new Promise(resolve => setTimeout(resolve, 100))
    }
  }))
  for (const round of [1, 2]) {
    // Killed while it counts, at whatever moment that is: it must know what it had counted a second before.
    const seen = [await used()]
    while (seen.at(-1)!.now < seen[0]!.now + 2 * ACCOUNTING || seen.at(-1)!.bytes < seen[0]!.bytes + 300 * KILOBYTE) {
      await new Promise(resolve => setTimeout(resolve, 20))
      seen.push(await used())
    }
    await exit.stop('SIGKILL')
    const killed = seen.at(-1)!
    const old = seen.findLast(({ now }) => now <= killed.now - ACCOUNTING)!
    exit = await start()
    const { bytes } = await used()
    t.ok(
      bytes >= old.bytes, `round ${round}: ${old.bytes} bytes a second before the kill, ${killed.bytes} at it, ${bytes} after the restart`
    )
  }
  await eventually(async () => (await fetchPage(`http://${console}/healthz`)).status === 503)
  run.isOver = true
  await load
  const over = (await used()).bytes - 8 * KILOBYTE * KILOBYTE
  t.ok(over < 300 * KILOBYTE, `what was let in is finished: ${over} bytes over`)
  const total = (await used()).bytes
  const file = join(state, readdirSync(state).find(name => name.startsWith('quota-'))!)
  await eventually(
    async () => (JSON.parse(readFileSync(file, 'utf8').trim().split('\n').at(-1)!) as { dayBytes: number }).dayBytes >= total
  )
  await exit.stop('SIGKILL')
  exit = await start()
  t.equal((await fetchPage(`http://${console}/healthz`)).status, 503, 'the quota is still used up')
})
