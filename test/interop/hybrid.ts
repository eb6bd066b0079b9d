/**
 * Sessions whose LeaseSets offer hybrid encryption (`i2cp.leaseSetEncType=6,4`) beside such with 4 alone: the first page of a proxy
 * that has just got its tunnels, and pages with i2pd's own tunnels of both kinds. Figures of docs/reference/routers.md.
 *
 *   node --conditions=@minwww/source --import tsx test/interop/hybrid.ts [options]
 *
 * Options: --suite sid (needs ML-KEM), --hops 1, --delay 50, --rounds 10.
 */
import { parseArgs } from 'node:util'
import { Destination } from '@minwww/i2cp/codec'
import { fetchPage, startService, type Service } from '../e2e/harness.ts'
import { reproducibleBytes } from '../testnet/bytes.mjs'
import { fetchThroughProxy } from '../testnet/fetch.ts'
import { i2cpFlags, inPlace, percentile, until } from './place.ts'

const PROXY_ROUTER = 3
const EXIT_ROUTER = 4
const TYPES = ['4', '6,4'] as const
const WARM_PAGES = 5
const SIZE = 4_096
/** Of i2pd's own tunnels, which may need a while to find each other, ms. */
const PATIENCE = 90_000
const I2PD_PROXY = 4450

const { values } = parseArgs({
  options: {
    suite: { type: 'string', default: 'sid' },
    hops: { type: 'string', default: '1' },
    delay: { type: 'string', default: '50' },
    rounds: { type: 'string', default: '10' }
  }
})

const hybridTunnel = (name: string, ...lines: string[]): string => [
  `[${name}]`, ...lines, `keys = ${name}.dat`, 'i2cp.leaseSetEncType = 6,4',
  `inbound.length = ${values.hops}`, `outbound.length = ${values.hops}`, ''
].join('\n')

const tunnels = {
  1: hybridTunnel('proxy64', 'type = httpproxy', 'address = 0.0.0.0', `port = ${I2PD_PROXY}`),
  2: hybridTunnel('web64', 'type = http', 'host = 127.0.0.1', 'port = 8080', 'inport = 80')
}

await inPlace({ suite: values.suite, delay: values.delay, tunnels }, async ({ network, owner, routerAt, site }) => {
  const { origin } = await site()
  const [exitRouter, proxyRouter] = [await routerAt(EXIT_ROUTER), await routerAt(PROXY_ROUTER)]
  const optionsOf = (type: string): string[] => i2cpFlags(values.hops, `i2cp.leaseSetEncType=${type}`)
  const startExit = async (type: string): Promise<Service> =>
    await startService(owner, ['exit', '--router', exitRouter, '--site', `site.i2p=${origin}`, ...optionsOf(type)])
  const exits = new Map(await Promise.all(TYPES.map(async type => [type, await startExit(type)] as const)))
  const cold = new Map<string, number[]>(TYPES.map(type => [type, []]))
  const warm: number[] = []
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const type of round % 2 === 0 ? TYPES : [...TYPES].reverse()) {
      const proxy = await startService(owner, [
        'proxy', '--router', proxyRouter, '--proxy', '127.0.0.1:0', ...optionsOf(type),
        '--exit', exits.get(type)!.json.destination as string
      ])
      cold.get(type)!.push(await page(proxy, `http://site.i2p/bytes/${SIZE}?seed=${round}`, SIZE, round))
      for (let i = 0; i < WARM_PAGES; i++) warm.push(await page(proxy, `http://site.i2p/bytes/${SIZE}?seed=${i + 1}`, SIZE, i + 1))
      await proxy.stop()
    }
  }
  for (const [type, times] of cold) {
    console.log(`${values.suite} ${type}: first page p50 ${percentile(times, 0.5)} p95 ${percentile(times, 0.95)} ms, n ${times.length}`)
  }
  console.log(`a page afterwards: p50 ${percentile(warm, 0.5)} ms, n ${warm.length}`)

  const proxy = await startService(owner, ['proxy', '--router', proxyRouter, '--proxy', '127.0.0.1:0', ...optionsOf('6,4'), '--i2p-only'])
  const site64 = Destination.parse(network.destination(2, 'web64')).b32
  for (const [name, host] of [['4,0', network.site(1)], ['6,4', site64]] as const) {
    const took = await until(async () => await page(proxy, `http://${host}/bytes/20000?seed=3`, 20_000, 3), PATIENCE)
    console.log(`our proxy, 6,4, from i2pd's server tunnel, ${name}: ${Math.round(took)} ms`)
  }
  for (const [name, port] of [['4,0', 4441], ['6,4', I2PD_PROXY]] as const) {
    const took = await until(async () => {
      const began = performance.now()
      const { status, body } = await fetchThroughProxy(
        network.connect({ host: '10.77.0.1', port }), `http://${exits.get('6,4')!.json.b32 as string}/bytes/20000?seed=4`, 30_000
      )
      if (status !== 200 || !body.equals(reproducibleBytes(20_000, 4))) throw new Error(`status ${status}, ${body.length} bytes`)
      return performance.now() - began
    }, PATIENCE)
    console.log(`i2pd's HTTP proxy, ${name}, from our exit, 6,4: ${Math.round(took)} ms`)
  }
})

/** @returns ms; throws where it is not the page */
async function page (proxy: Service, url: string, size: number, seed: number): Promise<number> {
  const { status, body, took } = await fetchPage(url, proxy.json.proxy as string)
  if (status !== 200 || !body.equals(reproducibleBytes(size, seed))) throw new Error(`${url}: status ${status}, ${body.length} bytes`)
  return took
}
