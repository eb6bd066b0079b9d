// From nothing to a page, on i2pd: six exits, five publishers, and proxies that know the addresses of five lists and nothing else.
import t, { type Test } from 'tap'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { createI2p } from '@minwww/http'
import { createSession, LocalDestination } from '@minwww/i2cp'
import { toBase64 } from '@minwww/i2cp/codec'
import { writeDescriptor } from '@minwww/protocol'
import { createExit, type Exit } from '@minwww/server'
import { createStreamManager } from '@minwww/streaming'
import { fetchPage, logLines, startService, temporaryFolder, until, type Service } from '../e2e/harness.ts'
import { networkMissing, startNetwork, type TestNetwork } from '../testnet/network.ts'

t.setTimeout(500_000)

const TUNNELS = { 'inbound.length': '1', 'outbound.length': '1', 'inbound.quantity': '2', 'outbound.quantity': '2' }
const PROXY_ROUTER = 3
const EXIT_ROUTERS = [4, 5, 6, 7, 8, 4]
const SPY_ROUTERS = [5, 6]
const PUBLISHER_ROUTERS = [1, 2, 7, 8, 1]
/** A site each, so that every exit gets some. */
const SITES = Array.from({ length: 12 }, (_, n) => `page${n}.i2p`)
const SOON = 60_000
/** A list is given up after three minutes. */
const GIVEN_UP = 200_000

/** One web server behind all exits: the page says which one asked. */
async function startWeb (t: Test): Promise<string> {
  const server = createServer((request, response) => { response.end(`through ${String(request.url?.split('/')[1])}`) })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => { server.close() })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A router that has just been started may not take clients yet. */
async function patiently<T> (open: () => Promise<T>): Promise<T> {
  for (const deadline = performance.now() + SOON; ;) {
    try {
      return await open()
    } catch (error) {
      if (performance.now() > deadline) throw error
      await delay(500)
    }
  }
}

async function startExit (t: Test, network: TestNetwork, router: number, name: string, web: string): Promise<Exit> {
  const address = await network.forward(router)
  const session = await patiently(async () => await createSession({ router: address, options: TUNNELS }))
  const streams = createStreamManager(session)
  const sites = Object.fromEntries(SITES.map(site => [site, `${web}/${name}`]))
  const exit = await createExit({ session, streams, sites })
  t.teardown(async () => {
    await exit.close()
    streams.close()
    await session.close()
  })
  return exit
}

/** A list on a site of its own; what it says can change. */
async function startPublisher (t: Test, network: TestNetwork, router: number, list: () => string | undefined): Promise<string> {
  const address = await network.forward(router)
  const i2p = await patiently(async () => await createI2p({ router: address, options: TUNNELS as object }))
  t.teardown(async () => { await i2p.close() })
  i2p.createServer((_request, response) => {
    const text = list()
    if (text === undefined) response.destroy()
    else response.setHeader('Content-Type', 'text/plain').end(text)
  }).listen(80)
  return `http://${i2p.address}/exits.txt`
}

/** What an exit that nobody runs says of itself. */
function deadLine (): string {
  const keys = LocalDestination.generate()
  const { b32, base64 } = keys.destination
  const date = Math.floor(Date.now() / 1_000)
  const profile = { versions: [1], web: true, methods: [], ports: [80, 443], filters: [], free: 100, pushes: false }
  return writeDescriptor(profile, date, date + 600_000, { b32, base64, sign: data => toBase64(keys.sign(data)) })
}

interface Browsed { first: number, through: Set<string>, exits: string[], proxy: Service }

/** A proxy that knows five addresses: time to the first page, which exits brought the pages, and which are in the pool. */
async function browse (t: Test, network: TestNetwork, urls: readonly string[]): Promise<Browsed> {
  const { host, port } = await network.forward(PROXY_ROUTER)
  const proxy = await startService(t, [
    'proxy', '--router', `${host}:${port}`, '--proxy', '127.0.0.1:0', '--state', temporaryFolder(t), '--log-level', 'info',
    ...urls.flatMap(url => ['--exit-list', url]),
    ...Object.entries(TUNNELS).flatMap(([name, value]) => ['--i2cp-option', `${name}=${value}`])
  ])
  const began = performance.now()
  const at = proxy.json.proxy as string
  const page = async (site: string): Promise<string> => {
    for (;;) {
      const { status, body } = await fetchPage(`http://${site}/`, at)
      if (status === 200) return body.toString()
      if (performance.now() - began < 2 * SOON) {
        await delay(200)
        continue
      }
      throw new Error(`status ${status}: ${body.toString().slice(0, 300)}\n${proxy.stderr().slice(-3_000)}`)
    }
  }
  const through = new Set([await page(SITES[0]!)])
  const first = performance.now() - began
  for (const site of SITES) through.add(await page(site))
  const { exits } = JSON.parse((await fetchPage(`${at}/console/state`)).body.toString()) as { exits: Array<{ id: string }> }
  return { first, through, exits: exits.map(({ id }) => id).sort(), proxy }
}

t.test('six exits and five publishers over i2pd', { skip: networkMissing() ?? false }, async t => {
  const began = performance.now()
  const network = await startNetwork({ hops: [1], readyTimeout: 0 })
  t.teardown(async () => { await network.stop() })
  const web = await startWeb(t)
  const [exits, spies] = await Promise.all([
    Promise.all(EXIT_ROUTERS.map(async (router, n) => await startExit(t, network, router, `exit${n}`, web))),
    Promise.all(SPY_ROUTERS.map(async (router, n) => await startExit(t, network, router, `spy${n}`, web)))
  ])
  const honest = exits.map(({ destination }) => destination.b32).sort()
  let fifth = 'honest' as 'honest' | 'hostile'
  let fourth = 'there' as 'there' | 'dead'
  const list = (): string => exits.map(({ descriptor }) => `${descriptor}\n`).join('')
  const hostile = [...Array.from({ length: 10 }, deadLine), ...spies.map(({ descriptor }) => descriptor)].map(line => `${line}\n`).join('')
  const said = [list, list, list, () => fourth === 'there' ? list() : undefined, () => fifth === 'honest' ? list() : hostile]
  const urls = await Promise.all(PUBLISHER_ROUTERS.map(async (router, n) => await startPublisher(t, network, router, said[n]!)))
  t.comment(`network, exits and publishers after ${Math.round((performance.now() - began) / 1_000)} s`)

  await t.test('a fresh proxy with five addresses', async t => {
    const { first, through, exits } = await browse(t, network, urls)
    t.comment(`first page ${(first / 1_000).toFixed(1)} s after its tunnels were ready; pages ${[...through].sort().join(', ')}`)
    t.ok(first < SOON)
    t.ok(exits.length > 0 && exits.every(id => honest.includes(id)), `${exits.length} exits in the pool`)
  })

  await t.test('one publisher is dead, one names ten dead and two spying exits: nothing changes but the log', async t => {
    fourth = 'dead'
    fifth = 'hostile'
    const { first, through, exits, proxy } = await browse(t, network, urls)
    t.comment(`first page ${(first / 1_000).toFixed(1)} s after its tunnels were ready; pages ${[...through].sort().join(', ')}`)
    t.ok(first < SOON)
    t.ok(exits.length > 0 && exits.every(id => honest.includes(id)), `${exits.length} exits in the pool`)
    t.notOk([...through].some(text => text.includes('spy')))
    t.strictSame(spies.map(({ stats: { outcomes } }) => outcomes), [{}, {}], 'no spy was asked for anything')
    const isMissed = ({ level, msg, list }: Record<string, any>): boolean =>
      level >= 40 && msg === 'a list of exits did not come; what is known stays' && list === urls[3]
    t.ok(await until(() => logLines(proxy.stderr()).some(isMissed), GIVEN_UP), 'the log says so')
  })
})
