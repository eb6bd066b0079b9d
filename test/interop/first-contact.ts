/**
 * Many pages at once to an exit that routers have no session with: right after the proxy's start, and after a pause. The figures of
 * docs/reference/routers.md.
 *
 *   node --conditions=@minwww/source --import tsx test/interop/first-contact.ts [options]
 *
 * Options: --suite bookworm|trixie|sid, --hops 1, --delay 100, --pages 24, --pause 130 (s), --rounds 3 (each with a new proxy),
 * --option NAME=VALUE (of all sessions), --cli FILE (minwww.js of another build, to compare).
 */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { Test } from 'tap'
import { fetchPage, startService, type Service } from '../e2e/harness.ts'
import { startNetwork, type Suite, type TestNetwork } from '../testnet/network.ts'
import { createWebServer } from '../testnet/web.mjs'

const PROXY_ROUTER = 3
const EXIT_ROUTER = 4
const ROUTERS = 8

const { values } = parseArgs({
  options: {
    suite: { type: 'string' },
    hops: { type: 'string', default: '1' },
    delay: { type: 'string', default: '100' },
    pages: { type: 'string', default: '24' },
    pause: { type: 'string', default: '130' },
    rounds: { type: 'string', default: '3' },
    option: { type: 'string', multiple: true, default: [] },
    cli: { type: 'string' }
  }
})

const ends: Array<() => unknown> = []
const surroundings = values.cli === undefined ? {} : { cli: values.cli }
const owner = { teardown: (end: () => unknown) => { ends.push(end) } } as unknown as Test

try {
  const network = await startNetwork({
    hops: [1], delay: Number(values.delay), ...(values.suite !== undefined && { suite: values.suite as Suite }), readyTimeout: 180_000
  })
  ends.push(async () => await network.stop())
  const web = createWebServer().listen(0, '127.0.0.1')
  await once(web, 'listening')
  ends.push(() => web.close())
  const options = [`inbound.length=${values.hops}`, `outbound.length=${values.hops}`, ...values.option]
    .flatMap(option => ['--i2cp-option', option])
  const routerAt = async (k: number): Promise<string> => {
    const { host, port } = await network.forward(k)
    return `${host}:${port}`
  }
  const origin = `http://127.0.0.1:${(web.address() as AddressInfo).port}`
  const exit = await startService(
    owner, ['exit', '--router', await routerAt(EXIT_ROUTER), '--site', `site.i2p=${origin}`, ...options], surroundings
  )
  for (let round = 1; round <= Number(values.rounds); round++) {
    const proxy = await startService(owner, [
      'proxy', '--router', await routerAt(PROXY_ROUTER), '--proxy', '127.0.0.1:0', ...options, '--exit', exit.json.destination as string
    ], surroundings)
    const fresh = await load(proxy, `${round}a`)
    await sleep(2_000)
    const warm = await load(proxy, `${round}b`)
    await sleep(1000 * Number(values.pause))
    const idle = await load(proxy, `${round}c`)
    console.log(`${values.suite ?? 'own'} round ${round}: fresh ${fresh}; warm ${warm}; after ${values.pause} s ${idle}`)
    await proxy.stop()
  }
  console.log(`"come too often" in the routers' logs: ${tooOften(network)}`)
} finally {
  for (const end of ends.reverse()) await end()
}
process.exit(0)

/** Pages of 4 KB at once: median and last, ms, and how many failed. */
async function load (proxy: Service, tag: string): Promise<string> {
  const pages = await Promise.all(Array.from({ length: Number(values.pages) }, async (_, i) =>
    await fetchPage(`http://site.i2p/bytes/4096?${tag}${i}`, proxy.json.proxy as string).catch(() => ({ status: 0, took: Infinity }))))
  const times = pages.filter(({ status }) => status === 200).map(({ took }) => took).sort((a, b) => a - b)
  const failed = pages.length - times.length
  const [median, last] = [times[times.length >> 1], times.at(-1)].map(time => Math.round(time ?? Infinity))
  return `p50 ${median} last ${last} ms${failed > 0 ? `, ${failed} failed` : ''}`
}

function tooOften (network: TestNetwork): string {
  const counts = Array.from({ length: ROUTERS }, (_, i) => {
    const log = readFileSync(join(network.directory, `r${i + 1}`, 'i2pd.log'), 'latin1')
    return [`router ${i + 1}`, log.split('come too often').length - 1] as const
  })
  return counts.filter(([, count]) => count > 0).map(([name, count]) => `${name} ${count}`).join(', ') || 'none'
}
