/**
 * What the acceptance suite leaves out, on any router: pages, POST and a large response through our proxy and exit, streams both ways with
 * what speaks I2P's streaming there already, `lookup`, and the proxy's router started anew. A table of docs/reference/routers.md.
 *
 *   node --conditions=@minwww/source --import tsx test/interop/acceptance-more.ts [KIND]
 *
 * KIND: bookworm, trixie, sid, mixed (2.45.1 and 2.59), java, java-sid, java-bookworm, emissary; default sid. It ends with status 1 if
 * anything failed.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Destination } from '@minwww/i2cp/codec'
import { CLI, fetchPage, startService, temporaryFolder } from '../e2e/harness.ts'
import { reproducibleBytes } from '../testnet/bytes.mjs'
import { fetchOver } from '../testnet/fetch.ts'
import type { TestNetworkOptions } from '../testnet/network.ts'
import { javaClasspath, startJavaStreamClient, startJavaStreamServer } from './java.ts'
import { i2cpFlags, inPlace, until, type Place } from './place.ts'
import { TUNNELS } from './streaming-java.ts'

interface Kind extends Omit<TestNetworkOptions, 'delay'> {
  /** Routers of the proxy and of the exit. */
  at: [number, number]
  /** Java's streaming library is the other side of streams, on the exit's router; else i2pd's own tunnels. */
  withJava?: boolean
  /** Until its routers build tunnels, ms. */
  settle?: number
}

const JAVA = { floodfills: 4, hops: [], readyTimeout: 0, withJava: true, settle: 110_000 }
const JAVA_HALF = { ...JAVA, at: [5, 3] as [number, number], java: [5, 6, 7, 8] }
const KINDS: Readonly<Record<string, Kind>> = {
  bookworm: { at: [3, 4], suite: 'bookworm' },
  trixie: { at: [3, 4], suite: 'trixie' },
  sid: { at: [3, 4], suite: 'sid' },
  mixed: { at: [3, 4], suite: 'bookworm', suites: { 2: 'sid', 3: 'sid', 5: 'sid', 7: 'sid' } },
  java: { ...JAVA, at: [1, 3], java: [1, 2, 3, 4, 5, 6, 7, 8] },
  'java-sid': { ...JAVA_HALF, suite: 'sid' },
  'java-bookworm': { ...JAVA_HALF, suite: 'bookworm' },
  emissary: { at: [3, 4], suite: 'sid', emissary: [3, 4] }
}
const PAGES = 24
const SIZES = [1_000, 16_000, 60_000, 120_000]
const POSTS = 6
const POSTED = 20_000
const LARGE = 5 * 1024 * 1024
/** A page's own deadline, s. */
const DEADLINE = 120

const { positionals } = parseArgs({ allowPositionals: true, options: {} })
const [name = 'sid'] = positionals
const kind = KINDS[name]
if (kind === undefined) throw new Error(`no such kind: ${name}`)
const { at: [proxyRouter, exitRouter], withJava = false, settle = 0, ...network } = kind
if (network.java !== undefined) network.classpath = await javaClasspath()

await inPlace({ ...network, delay: '10' }, async place => {
  await sleep(settle)
  const options = i2cpFlags('1')
  const { origin } = await place.site()
  const exitAt = await place.routerAt(exitRouter)
  const proxyAt = await place.routerAt(proxyRouter)
  const exit = await startService(place.owner, ['exit', '--router', exitAt, '--site', `site.i2p=${origin}`, ...options])
  const proxy = await startService(place.owner, [
    'proxy', '--router', proxyAt, '--proxy', '127.0.0.1:0', '--timeout', String(DEADLINE), ...options,
    '--exit', exit.json.destination as string
  ])
  const via = proxy.json.proxy as string
  const page = async (site: string, size: number, seed: number): Promise<void> =>
    isRight(await fetchPage(`http://${site}/bytes/${size}?seed=${seed}`, via), size, seed)

  await part('first page', async () => await until(async () => await page('site.i2p', 1_000, 1)))
  await part(`${PAGES} pages`, async () => {
    await Promise.all(Array.from({ length: PAGES }, async (_, i) => await page('site.i2p', SIZES[i % SIZES.length]!, i)))
  })
  await part(`${POSTS} POSTs`, async () => {
    for (let i = 0; i < POSTS; i++) await post(via, reproducibleBytes(POSTED, i))
  })
  await part('5 MB', async () => await page('site.i2p', LARGE, 5))
  await part('lookup', async () => await until(async () => {
    const { destination } = JSON.parse(await minwww('lookup', '--json', '--router', proxyAt, exit.json.b32 as string)) as
      { destination: string }
    if (destination !== exit.json.destination) throw new Error('another Destination')
  }))
  if (withJava) await javaStreams(place, via, exitAt, proxyAt, origin)
  else {
    await part("from i2pd's server tunnel", async () => await until(async () => await page(place.network.site(1), 300_000, 7)))
    await part("i2pd's HTTP proxy from our exit", async () => await until(async () =>
      await stream(place.network.connect(place.network.proxy(1)), `http://${exit.json.b32 as string}`)))
  }
  await part("the proxy's router killed, first page", async () => {
    await place.network.restart(proxyRouter)
    await until(async () => await page('site.i2p', 1_000, 9))
  })
})

async function javaStreams ({ owner }: Place, via: string, theirs: string, ours: string, origin: string): Promise<void> {
  const i2cp = address(theirs)
  await part("from Java's stream server", async () => {
    const server = await startJavaStreamServer({ i2cp, target: address(new URL(origin).host), options: TUNNELS })
    owner.teardown(async () => await server.stop())
    const url = `http://${Destination.fromBase64(server.destination).b32}/bytes/300000?seed=7`
    await until(async () => isRight(await fetchPage(url, via), 300_000, 7))
  })
  await part("Java's stream client from our server", async () => {
    const tunnel = await startService(owner, [
      'tunnel', 'server', '--router', ours, '--target', new URL(origin).host, '--keys', join(temporaryFolder(owner), 'keys'),
      ...i2cpFlags('1')
    ])
    const client = await startJavaStreamClient({ i2cp, destination: tunnel.json.destination as string, options: TUNNELS })
    owner.teardown(async () => await client.stop())
    await until(async () => await stream(connect(client.port, '127.0.0.1'), ''))
  })
}

/** Says what came of one part, and how long it took. */
async function part (what: string, work: () => Promise<unknown>): Promise<void> {
  const began = performance.now()
  const failure = await work().then(() => undefined, (error: unknown) => (error as Error).message)
  if (failure !== undefined) process.exitCode = 1
  console.log(`${name} ${what}: ${failure ?? 'right'}, ${((performance.now() - began) / 1000).toFixed(1)} s`)
}

function isRight ({ status, body }: { status: number, body: Buffer }, size: number, seed: number): void {
  if (status !== 200 || !body.equals(reproducibleBytes(size, seed))) throw new Error(`status ${status}, ${body.length} of ${size} bytes`)
}

async function stream (socket: Duplex, prefix: string): Promise<void> {
  isRight(await fetchOver(socket, `GET ${prefix}/bytes/300000?seed=8 HTTP/1.1\r\nHost: site`, 60_000), 300_000, 8)
}

async function post (via: string, body: Buffer): Promise<void> {
  const { hostname, port } = new URL(via)
  const head = `POST http://site.i2p/digest HTTP/1.1\r\nHost: site.i2p\r\nContent-Length: ${body.length}`
  const answer = await fetchOver(connect(Number(port), hostname), head, 1000 * DEADLINE, body)
  const { sha256 } = JSON.parse(answer.body.toString()) as { sha256: string }
  if (sha256 !== createHash('sha256').update(body).digest('hex')) throw new Error(`status ${answer.status}, another digest`)
}

/** What a command prints. */
async function minwww (...args: string[]): Promise<string> {
  const child = spawn(process.execPath, [CLI, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => { output += chunk.toString() })
  const [status] = await once(child, 'close') as [number | null]
  if (status !== 0) throw new Error(`minwww ${args[0]!}: status ${String(status)}`)
  return output
}

function address (text: string): { host: string, port: number } {
  const colon = text.lastIndexOf(':')
  return { host: text.slice(0, colon), port: Number(text.slice(colon + 1)) }
}
