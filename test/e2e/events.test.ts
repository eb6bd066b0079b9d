// Server-sent events through real processes: how soon the first one comes, and that they go on. MINWWW_EVENTS_SECONDS is how long.
import { once } from 'node:events'
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { CHROMIUM, startBrowser } from './browser.ts'
import { fetchPage, missing, startService } from './harness.ts'

/** ms, one way: the routers' part of a path. */
const LATENCY = 500
const ROUND_TRIP = 2 * LATENCY
const SECONDS = Number(process.env.MINWWW_EVENTS_SECONDS ?? 8)

const PAGE = `<!doctype html><title>events</title><script>
  window.seen = []
  const source = new EventSource('/events')
  source.onmessage = ({ data }) => seen.push([Number(data), performance.now()])
  source.onerror = () => seen.push(['error', performance.now()])
</script>`

t.test('one event a second, for as long as somebody listens', { timeout: 120_000 + 2_000 * SECONDS }, async t => {
  const asked: string[] = []
  const open: ServerResponse[] = []
  const site = createServer((request, response) => {
    asked.push(`${request.headers.host} ${request.url}`)
    if (request.url !== '/events') return response.writeHead(200, { 'content-type': 'text/html' }).end(PAGE)
    open.push(response)
    let count = 0
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
    const say = (): void => { response.write(`data: ${count++}\n\n`) }
    say()
    const timer = setInterval(say, 1_000)
    response.once('close', () => clearInterval(timer))
  })
  site.listen(0, '127.0.0.1')
  await once(site, 'listening')
  t.teardown(() => {
    site.closeAllConnections()
    site.close()
  })
  const router = await startService(t, ['router', '--i2cp', '127.0.0.1:0', '--latency', String(LATENCY)])
  const at = ['--router', router.json.i2cp as string]
  const exit = await startService(t, ['exit', ...at, '--site', `a.i2p=http://127.0.0.1:${(site.address() as AddressInfo).port}`])
  const address = exit.json.destination as string
  const proxy = await startService(t, ['proxy', ...at, '--proxy', '127.0.0.1:0', '--exit', address])
  const via = proxy.json.proxy as string
  t.equal((await fetchPage('http://a.i2p/', via)).status, 200)

  /** Listens for a while. `began` is called when the first event has come. */
  const listen = async (way: string, host: string, began = (): void => {}): Promise<void> => {
    const { hostname, port } = new URL(via)
    const start = performance.now()
    const path = `http://${host}/events`
    const outgoing = request({ host: hostname, port, path, headers: { host, accept: 'text/event-stream' }, agent: false })
    outgoing.end()
    const [response] = await once(outgoing, 'response') as [IncomingMessage]
    const seen: number[] = []
    const times: number[] = []
    for await (const chunk of response) {
      for (const data of (chunk as Buffer).toString().matchAll(/data: (\d+)/g)) {
        seen.push(Number(data[1]))
        times.push(performance.now() - start)
      }
      began()
      if (times.length > SECONDS) break
    }
    outgoing.destroy()
    const gap = Math.max(...times.slice(1).map((time, index) => time - times[index]!))
    const first = (times[0]! / ROUND_TRIP).toFixed(2)
    t.comment(`${way}: first after ${first} round trips; ${times.length} events, longest gap ${Math.round(gap)} ms`)
    t.ok(times[0]! < 2.3 * ROUND_TRIP, way)
    t.strictSame(seen, seen.map((_, index) => index), 'in order, and none is missing')
    t.ok(seen.length > SECONDS)
  }

  const inChromium = async (): Promise<void> => {
    const browser = await startBrowser(t, via)
    const page = await browser.newPage()
    await page.goto('http://a.i2p/')
    type Seen = Array<[number | string, number]>
    const limits = { timeout: 60_000 + 2_000 * SECONDS }
    await page.waitForFunction(count => (globalThis as unknown as { seen: Seen }).seen.length > count, SECONDS, limits)
    const seen = await page.evaluate(() => (globalThis as unknown as { seen: Seen }).seen)
    t.strictSame(seen.map(([data]) => data), seen.map((_, index) => index), 'in Chromium without an error, and none is missing')
    t.comment(`Chromium: ${seen.length} events in ${Math.round((seen.at(-1)![1] - seen[0]![1]) / 1_000)} s`)
    await browser.close()
  }

  const b32 = exit.json.b32 as string
  const hasBrowser = missing(CHROMIUM) === false
  let announced = (): void => {}
  const isAnnounced = new Promise<void>(resolve => { announced = resolve })
  const streamed = listen('by b32, not known yet', b32, () => announced())
  await isAnnounced
  await Promise.all([
    streamed, listen('by name', 'a.i2p'), listen('by b32, after Alt-Svc', b32), hasBrowser ? inChromium() : t.comment(missing(CHROMIUM))
  ])
  t.equal(asked.filter(entry => entry.endsWith('/events')).length, 3 + Number(hasBrowser), 'the site was asked once for each')
  await Promise.all(open.map(async response => response.closed ? undefined : await once(response, 'close')))
  t.pass('and hears that nobody listens any more')
})
