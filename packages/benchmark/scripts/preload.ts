/**
 * What preloading at the proxy gains for a site of I2P that no exit serves: the page with ten pictures and the one with forty, over
 * streams, in Chromium, with preloading and without, alternating. Arguments: [RUNS] [LATENCY], one way in ms. Prints medians in ms.
 */
import { createProxy } from '@minwww/client'
import { Closers } from '@minwww/ground/node'
import { createSession } from '@minwww/i2cp'
import { createLocalRouter } from '@minwww/local-router'
import { createStreamManager, forwardToTcp } from '@minwww/streaming'
import { percentile } from '../src/grid/statistics.ts'
import { loadUrl, startBrowser } from '../src/worlds/browser.ts'
import { startSite } from '../src/worlds/site.ts'

const [runs = 10, latency = 250] = process.argv.slice(2).map(Number)
const PAGES = ['page', 'heavy']
const TIMEOUT = 120_000

const closers = new Closers()
try {
  const browser = closers.add(await startBrowser(), browser => browser.close())
  const site = closers.add(await startSite(), site => site.close())
  const router = closers.add(createLocalRouter({ seed: 1, latency }), router => router.close())
  const open = async () => closers.add(await createSession({ connect: () => router.connect() }), session => session.close())
  const server = closers.add(createStreamManager(await open()), streams => streams.close())
  const tunnel = closers.add(forwardToTcp({ manager: server, target: site.address }), tunnel => tunnel.close())
  const proxies = []
  for (const preload of [false, true]) {
    proxies.push(closers.add(await createProxy({
      sessions: [await open(), await open()],
      streams: session => closers.add(createStreamManager(session), streams => streams.close()),
      exits: [],
      listen: { host: '127.0.0.1', port: 0 },
      timeout: TIMEOUT,
      cache: false,
      preload
    }), proxy => proxy.close()))
  }
  for (const name of PAGES) {
    const times: number[][] = proxies.map(() => [])
    for (let run = 0; run <= runs; run++) {
      for (const [i, proxy] of proxies.entries()) {
        const url = `http://${tunnel.destination.b32}/${name}.html?seed=${name}${run}${i}`
        const { load, failed } = await loadUrl(browser, proxy.address, { url, timeout: TIMEOUT })
        if (failed > 0) throw new Error(`${failed} pictures did not come`)
        if (run > 0) times[i]!.push(load)
      }
    }
    const [without, preloaded] = times.map(each => percentile(each, 0.5))
    const share = (preloaded! / without!).toFixed(2)
    console.log(`${name}: without ${without!.toFixed(0)} ms, preloading ${preloaded!.toFixed(0)} ms, ${share} of it (n = ${runs}, RTT ${2 * latency} ms)`)
  }
} finally {
  await closers.close()
}
