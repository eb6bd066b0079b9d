// MinWWW over i2pd's tunnels: the proxy on one router of a closed network, two exits on two others, nginx behind them.
import t, { type Test } from 'tap'
import { setTimeout as delay } from 'node:timers/promises'
import { documentationTree, fetchPage, logLines, missing, startNginx, startService, type Service } from '../e2e/harness.ts'
import { pickPages } from '../e2e/pages.ts'
import { reproducibleBytes } from '../testnet/bytes.mjs'
import { networkMissing, startNetwork, type TestNetwork } from '../testnet/network.ts'

t.setTimeout(540_000)

const PAGES = 50
const PROXY_ROUTER = 3
const EXIT_ROUTERS = [4, 5]
/** A page's own deadline, s; across a restart of the router it includes new tunnels. */
const DEADLINE = 120
const LOG_PATIENCE_MS = 10_000
/** What the proxy said last, where a page failed. */
const EVIDENCE_LINES = 60

const documentation = documentationTree()
const skip = networkMissing() ?? missing('/usr/sbin/nginx', documentation ?? '/usr/share/doc/python3.11/html')

interface Minwww { exits: Service[], proxy: Service }

async function startMinwww (t: Test, network: TestNetwork, origin: string, hops: number): Promise<Minwww> {
  const options = ['inbound.length', 'outbound.length'].flatMap(name => ['--i2cp-option', `${name}=${hops}`])
  const routerAt = async (k: number): Promise<string> => {
    const { host, port } = await network.forward(k)
    return `${host}:${port}`
  }
  const exits = await Promise.all(EXIT_ROUTERS.map(async k => {
    return await startService(t, ['exit', '--router', await routerAt(k), '--site', `docs.i2p=${origin}`, ...options])
  }))
  const proxy = await startService(t, [
    'proxy', '--router', await routerAt(PROXY_ROUTER), '--proxy', '127.0.0.1:0', '--timeout', String(DEADLINE), '--log-level', 'debug',
    ...options, ...exits.flatMap(exit => ['--exit', exit.json.destination as string])
  ])
  return { exits, proxy }
}

/** By which path the proxy had its last `count` answers; it logs them after the browser has the last byte. */
async function lastPaths (proxy: Service, count: number, total: number): Promise<string[]> {
  for (const deadline = performance.now() + LOG_PATIENCE_MS; ;) {
    const paths = logLines(proxy.stderr()).filter(({ msg }) => msg === 'request done')
      .map(({ path, status }) => `${String(path)} ${String(status)}`)
    if (paths.length >= total || performance.now() > deadline) return paths.slice(-count)
    await delay(50)
  }
}

/** Fetches the pages through the proxy, four at a time, until one is not what the HTTPD serves; returns what is not. */
async function browse (
  t: Test, proxy: Service, origin: string, pages: string[], onPage: (done: number) => void = () => {}
): Promise<string[]> {
  const wrong: string[] = []
  const times: number[] = []
  const queue = [...pages]
  await Promise.all(Array.from({ length: 4 }, async () => {
    for (let page = queue.shift(); page !== undefined; page = queue.shift()) {
      const direct = await fetchPage(`${origin}/${page}`)
      const through = await fetchPage(`http://docs.i2p/${page}`, proxy.json.proxy as string)
      times.push(through.took)
      if (through.status !== 200 || !direct.body.equals(through.body)) {
        wrong.push(`${page}: ${through.status} ${String(through.headers['x-minwww-error'])} after ${Math.round(through.took)} ms`)
        queue.length = 0
      }
      onPage(times.length)
    }
  }))
  if (wrong.length > 0) for (const line of proxy.stderr().split('\n').slice(-EVIDENCE_LINES)) t.comment(line)
  times.sort((a, b) => a - b)
  t.comment(`${times.length} pages, median ${Math.round(times[times.length >> 1] ?? 0)} ms, slowest ${Math.round(times.at(-1) ?? 0)} ms`)
  return wrong
}

/** A site that knows nothing of MinWWW, behind i2pd's HTTP server tunnel, and one behind an exit of ours, both by b32. */
async function openSites (t: Test, network: TestNetwork, { exits, proxy }: Minwww): Promise<void> {
  const get = async (url: string): ReturnType<typeof fetchPage> => await fetchPage(url, proxy.json.proxy as string)
  const foreign = await get(`http://${network.site(1)}/bytes/20000`)
  t.equal(foreign.status, 200)
  t.ok(foreign.body.equals(reproducibleBytes(20_000, 1)), 'a site behind i2pd opens')
  const own = `http://${String(exits[0]?.json.b32)}`
  const [first, second] = pickPages(documentation ?? '', PAGES)
  t.equal((await get(`${own}/${first}`)).status, 200)
  t.equal((await get(`${own}/${second}`)).status, 200)
  t.strictSame(
    await lastPaths(proxy, 3, PAGES + 3), ['stream 200', 'stream 200', 'message 200'], 'the second request to a site of ours is a message'
  )
}

t.test('MinWWW over i2pd', { skip }, async t => {
  const origin = await startNginx(t, documentation ?? '')
  const network = await startNetwork({ hops: [1] })
  t.teardown(async () => { await network.stop() })
  const pages = pickPages(documentation ?? '', PAGES)

  for (const hops of [0, 3]) {
    await t.test(`${hops} hops: ${PAGES} pages byte-identical`, async t => {
      const { exits, proxy } = await startMinwww(t, network, origin, hops)
      t.strictSame(await browse(t, proxy, origin, pages), [])
      if (hops === 3) await openSites(t, network, { exits, proxy })
    })
  }

  await t.test("1 hop, and the proxy's router is killed and started again in the middle", async t => {
    const { proxy } = await startMinwww(t, network, origin, 1)
    let restarted: Promise<unknown> | undefined
    let restartedAt = Infinity
    let firstPageAt = Infinity
    const restart = async (): Promise<void> => {
      await network.kill(PROXY_ROUTER)
      await delay(1000)
      restartedAt = performance.now()
      await network.restart(PROXY_ROUTER)
    }
    const wrong = await browse(t, proxy, origin, pages, done => {
      if (done === PAGES / 2) restarted = restart()
      if (performance.now() > restartedAt) firstPageAt = Math.min(firstPageAt, performance.now())
    })
    t.ok(restarted, 'it was killed')
    await restarted
    t.strictSame(wrong, [])
    t.comment(`first page ${((firstPageAt - restartedAt) / 1000).toFixed(1)} s after the router was started again`)
  })
})
