// OPENS (10,000) first messages from fresh Destinations, RATE (500) a second, while one client browses: how long its
// requests take before, during and after, and what the exit holds. Router, exit, proxy and flood are processes of their own.
// Build first: it runs what `npm run build` made.
import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { request } from 'node:http'
import { constants, setPriority } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createSession, LocalDestination } from '@minwww/i2cp'
import { encodeDatagram2 } from '@minwww/i2cp/codec'
import { encodeObject, encodeOpenBody, encodeRequestHead, sessionKeys } from '@minwww/protocol'
import { memoryOf, percentile, processorTime, startSite, table } from './measure.ts'

const CLI = fileURLToPath(new URL('../../packages/minwww/bin/minwww.js', import.meta.url))
const DATAGRAM2 = 19
/** ms between two requests of the one who browses, and of two looks at the memory. */
const PACE = 100
/** How long the client browses before and after the flood, ms. */
const CALM = 20_000
/** Bytes that an OPEN is padded to. */
const OPEN_SIZE = 1_300

const children: ChildProcess[] = []

/** Starts a process, and waits for the line of JSON that it prints. */
async function start (args: string[]): Promise<{ json: Record<string, string>, pid: number, ended: Promise<unknown> }> {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  const ended = once(child, 'exit')
  const json = await new Promise<Record<string, string>>((resolve, reject) => {
    let text = ''
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      if (text.includes('\n')) resolve(JSON.parse(text) as Record<string, string>)
    })
    child.once('exit', status => reject(new Error(`${args.join(' ')} ended with ${status}`)))
  })
  return { json, pid: child.pid!, ended }
}

/** Time of one request through the proxy, ms; NaN if it failed. */
async function timed (proxy: string, path: string): Promise<number> {
  const { hostname, port } = new URL(proxy)
  const began = performance.now()
  const status = await new Promise<number | undefined>(resolve => {
    request({ hostname, port, path: `http://flood.i2p${path}`, headers: { host: 'flood.i2p' }, agent: false }, response => {
      response.on('end', () => resolve(response.statusCode)).on('error', () => resolve(undefined)).resume()
    }).on('error', () => resolve(undefined)).end()
  })
  return status === 200 ? performance.now() - began : NaN
}

/** Browses until it is over: one request after the other, each at its time whether the last one is done or not. */
async function browse (proxy: string, isOver: () => boolean): Promise<number[]> {
  const requests: Array<Promise<number>> = []
  while (!isOver()) {
    requests.push(timed(proxy, `/${5_000 + requests.length % 20 * 1_000}?${performance.now()}`))
    await sleep(PACE)
  }
  return await Promise.all(requests)
}

/** An OPEN with a request, as a client that was never seen before sends it. */
function freshOpen (exit: Uint8Array): Buffer {
  const secret = randomBytes(16)
  const message = encodeRequestHead({ method: 'GET', url: `http://flood.i2p/3000?${secret.toString('hex')}`, headers: [] })
  const body = encodeOpenBody({
    type: 'open',
    attempt: 0,
    flags: 0,
    session: sessionKeys(secret).session,
    id: 1,
    time: Math.floor(
      Date.now() / 1_000
    ),
    key: secret,
    loss: 10,
    rate: 0,
    max: 72,
    shape: 8,
    object: encodeObject(message, { kind: 'request' })
  }, OPEN_SIZE)
  return encodeDatagram2(LocalDestination.generate(), exit, body)
}

const minwww = async (...args: string[]) => await start([CLI, ...args, '--json'])

/** The flood, in a process of its own: tells how it was, and ends. */
async function flood (router: string, exit: string, opens: number, rate: number): Promise<void> {
  const [host = '', port] = router.split(':')
  setPriority(constants.priority.PRIORITY_BELOW_NORMAL) // what it costs to make 10,000 Destinations is not the exit's
  const session = await createSession({ router: { host, port: Number(port) } })
  const target = await session.lookup(exit)
  console.log(JSON.stringify({ ready: true }))
  const began = performance.now()
  for (let sent = 0; sent < opens; sent++) {
    session.send(target, freshOpen(target.hash), { protocol: DATAGRAM2, fromPort: 4480, toPort: 80 })
    await sleep(Math.max(0, began + sent / rate * 1_000 - performance.now()))
  }
  await session.close()
}

async function measure (opens: number, rate: number): Promise<void> {
  const site = await startSite()
  try {
    const router = await minwww('router', '--i2cp', '127.0.0.1:0', '--latency', '100', '--jitter', '10')
    const i2cp = router.json.i2cp!
    const exit = await minwww('exit', '--router', i2cp, '--site', `flood.i2p=${site.origin}`)
    const proxy = await minwww('proxy', '--router', i2cp, '--proxy', '127.0.0.1:0', '--exit', exit.json.destination!, '--cache-memory', '0')
    const calm = async (): Promise<number[]> => {
      const end = performance.now() + CALM
      return await browse(proxy.json.proxy!, () => performance.now() > end)
    }
    await timed(proxy.json.proxy!, '/1000')
    const before = await calm()
    const memoryBefore = memoryOf(exit.pid)
    const run = await start(
      [...process.execArgv, fileURLToPath(import.meta.url), 'flood', i2cp, exit.json.b32!, String(opens), String(rate)]
    )
    const [began, cpu] = [performance.now(), processorTime(exit.pid)]
    const state = { isOver: false }
    const over = run.ended.then(() => { state.isOver = true })
    const during = await browse(proxy.json.proxy!, () => state.isOver)
    await over
    const took = (performance.now() - began) / 1_000
    const used = processorTime(exit.pid) - cpu
    const after = await calm()
    const memory = memoryOf(exit.pid)

    const row = (name: string, times: number[]): Array<string | number> => {
      const good = times.filter(time => !Number.isNaN(time))
      return [name, times.length, times.length - good.length, Math.round(percentile(good, 0.5)),
        Math.round(percentile(good, 0.95)), Math.round(Math.max(...good))]
    }
    console.log(`${opens} OPENs in ${took.toFixed(1)} s, ${Math.round(opens / took)} a second`)
    console.log(table(
      ['', 'requests', 'failed', 'p50, ms', 'p95, ms', 'longest, ms'], [row('before', before), row('during', during), row('after', after)]
    ))
    console.log(`RSS of the exit, MB: ${memoryBefore.now.toFixed(0)} before, ${memory.peak.toFixed(0)} at the highest, ` +
      `${memory.now.toFixed(0)} at the end`)
    console.log(`the exit used ${used.toFixed(1)} s of a processor during the flood`)
    const ratio = percentile(during, 0.95) / percentile(before, 0.95)
    console.log(`p95 during the flood is ${ratio.toFixed(2)} times that before`)
    process.exitCode = ratio <= 2 && !during.some(Number.isNaN) ? 0 : 1
  } finally {
    for (const child of children) child.kill('SIGKILL')
    site.close()
  }
}

const [first, router = '', exit = '', opens = '10000', rate = '500'] = process.argv.slice(2)
if (first === 'flood') await flood(router, exit, Number(opens), Number(rate))
else await measure(Number(first ?? 10_000), Number(process.argv[3] ?? 500))
