/**
 * Many pages at once to an exit that routers have no session with: right after the proxy's start, and after a pause. The figures of
 * docs/reference/routers.md.
 *
 *   node --conditions=@minwww/source --import tsx test/interop/first-contact.ts [options]
 *
 * Options: --suite bookworm|trixie|sid, --hops 1, --delay 100, --pages 24, --pause 130 (s), --rounds 3 (each with a new proxy),
 * --option NAME=VALUE (of all sessions), --cli FILE (minwww.js of another build, to compare).
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { fetchPage, startService, type Service } from '../e2e/harness.ts'
import { i2cpFlags, inPlace, percentile, tooOften } from './place.ts'

const PROXY_ROUTER = 3
const EXIT_ROUTER = 4

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

const surroundings = values.cli === undefined ? {} : { cli: values.cli }

await inPlace({ suite: values.suite, delay: values.delay }, async ({ network, owner, routerAt, site }) => {
  const options = i2cpFlags(values.hops, ...values.option)
  const exit = await startService(
    owner, ['exit', '--router', await routerAt(EXIT_ROUTER), '--site', `site.i2p=${(await site()).origin}`, ...options], surroundings
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
  const refused = [...tooOften(network)].map(([k, count]) => `router ${k} ${count}`).join(', ')
  console.log(`"come too often" in the routers' logs: ${refused === '' ? 'none' : refused}`)
})

/** Pages of 4 KB at once: median and last, ms, and how many failed. */
async function load (proxy: Service, tag: string): Promise<string> {
  const pages = await Promise.all(Array.from({ length: Number(values.pages) }, async (_, i) =>
    await fetchPage(`http://site.i2p/bytes/4096?${tag}${i}`, proxy.json.proxy as string).catch(() => ({ status: 0, took: Infinity }))))
  const times = pages.filter(({ status }) => status === 200).map(({ took }) => took)
  const failed = pages.length - times.length
  return `p50 ${percentile(times, 0.5)} last ${percentile(times, 1)} ms${failed > 0 ? `, ${failed} failed` : ''}`
}
