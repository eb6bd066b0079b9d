// What slow clients cost the others: 500 keep-alive connections to the proxy of `minwww demo`, 450 of them browsing, 50 of them slow.
// Prints the browsing clients' times without and with the slow ones, and the memory of the process. Run: npm run measure:clients
import { spawn } from 'node:child_process'
import { once, setMaxListeners } from 'node:events'
import { readFileSync } from 'node:fs'
import { Agent, createServer, request } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const BROWSING = 450
const SLOW = 50
/** A browsing client asks for a page, and for the next one after so long, ms. */
const PAUSE = { least: 10_000, most: 30_000 }
/** Each part of the run is measured after it has settled, ms: the large files have gone as far as the buffers of the system take them. */
const SETTLE = 40_000
const MEASURE = 30_000
/** Both situations in turn, so that a drift of the machine meets both. */
const ROUNDS = Number(process.argv[2] ?? 1)
const PAGE = Buffer.alloc(2_048, 'x')
const LARGE = 5 * 1024 * 1024

const CLI = fileURLToPath(new URL('../packages/minwww/bin/minwww.js', import.meta.url))

const site = createServer((incoming, response) => {
  response.setHeader('Cache-Control', 'no-store')
  response.end(incoming.url?.startsWith('/large') === true ? Buffer.alloc(LARGE) : PAGE)
}).listen(0, '127.0.0.1')
await once(site, 'listening')
const origin = `http://127.0.0.1:${(site.address() as AddressInfo).port}`

const demo = spawn(process.execPath, [
  CLI, 'demo', '--json', '--proxy', '127.0.0.1:0', '--site', `sizes.i2p=${origin}`
], { stdio: ['ignore', 'pipe', 'inherit'] })
const [line] = await once(createInterface(demo.stdout), 'line') as [string]
const { hostname: host, port } = new URL((JSON.parse(line) as { proxy: string }).proxy)

const stop = new AbortController()
setMaxListeners(0, stop.signal)
let times: number[] = []
let failed = 0
let peak = 0
const watching = setInterval(() => { peak = Math.max(peak, memory()) }, 250)

const clients = Array.from({ length: BROWSING }, async (_, index) => { await browse(index) })
await delay(PAUSE.most)
const idle = memory()
const results: Record<'without' | 'with', number[]> = { without: [], with: [] }
const peaks = { without: 0, with: 0 }
for (let round = 0; round < ROUNDS; round++) {
  await measure('without')
  const slow = new AbortController()
  setMaxListeners(0, slow.signal)
  const dragging = Array.from(
    { length: SLOW }, async (_, index) => { await (index % 2 === 0 ? sendSlowly(slow.signal) : readSlowly(slow.signal)) }
  )
  await measure('with')
  slow.abort()
  await Promise.all(dragging)
}
stop.abort()
await Promise.all(clients)
clearInterval(watching)
demo.kill()
site.closeAllConnections()
site.close()
report()

async function measure (situation: 'without' | 'with'): Promise<void> {
  await delay(SETTLE)
  times = []
  peak = 0
  await delay(MEASURE)
  results[situation].push(...times)
  peaks[situation] = Math.max(peaks[situation], peak)
}

function report (): void {
  const table = (['without', 'with'] as const).map(situation => ({ situation, sorted: results[situation].sort((a, b) => a - b) }))
  console.log('| slow clients | pages | median | 95th percentile | 99th percentile | largest memory |\n|---|---|---|---|---|---|')
  for (const { situation, sorted } of table) {
    console.log(`| ${situation === 'with' ? SLOW : 0} | ${sorted.length} | ${quantile(sorted, 0.5)} ms | ${quantile(sorted, 0.95)} ms | ` +
      `${quantile(sorted, 0.99)} ms | ${peaks[situation]} MB |`)
  }
  const ratio = (q: number): string => (quantile(results.with, q) / quantile(results.without, q)).toFixed(2)
  console.log(`ratio with to without: median ${ratio(0.5)}, 95th percentile ${ratio(0.95)}, 99th percentile ${ratio(0.99)}; ${failed} ` +
    `pages failed; memory at the start ${idle} MB`)
}

/** One keep-alive connection that fetches a small page after the other. */
async function browse (index: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  await delay(Math.random() * PAUSE.most)
  for (let page = 0; !stop.signal.aborted; page++) {
    const began = performance.now()
    const status = await fetchPage(agent, `http://sizes.i2p/${index}/${page}`).catch(() => 0)
    if (status === 200) times.push(performance.now() - began)
    else failed++
    await delay(PAUSE.least + Math.random() * (PAUSE.most - PAUSE.least), undefined, { signal: stop.signal }).catch(() => {})
  }
  agent.destroy()
}

async function fetchPage (agent: Agent, path: string): Promise<number> {
  const outgoing = request({ host, port, path, agent, headers: { host: 'sizes.i2p' } }).end()
  const [response] = await once(outgoing, 'response') as [import('node:http').IncomingMessage]
  response.resume()
  await once(response, 'end')
  return response.statusCode ?? 0
}

/** A head that comes byte by byte, and again when the proxy has closed the connection. */
async function sendSlowly (signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const socket = connect(Number(port), host).on('error', () => {}).resume()
    for (const byte of `GET http://sizes.i2p/slow HTTP/1.1\r\nHost: sizes.i2p\r\nX: ${'x'.repeat(100)}`) {
      if (socket.destroyed || socket.readableEnded || signal.aborted) break
      socket.write(byte)
      await delay(500, undefined, { signal }).catch(() => {})
    }
    socket.destroy()
  }
}

/** A file of 5 MB that is read at some 2 KB/s. */
async function readSlowly (signal: AbortSignal): Promise<void> {
  const socket = connect({ port: Number(port), host, readableHighWaterMark: 2_048 } as import('node:net').TcpNetConnectOpts)
    .on('error', () => {})
  socket.write('GET http://sizes.i2p/large HTTP/1.1\r\nHost: sizes.i2p\r\n\r\n')
  while (!signal.aborted && !socket.destroyed) {
    socket.read(2_048)
    await delay(1_000, undefined, { signal }).catch(() => {})
  }
  socket.destroy()
}

function quantile (sorted: readonly number[], q: number): number {
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN)
}

/** Resident memory of the demo, MB; 0 where the system does not say. */
function memory (): number {
  try {
    return Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${demo.pid}/status`, 'utf8'))?.[1]) / 1_024)
  } catch {
    return 0
  }
}
