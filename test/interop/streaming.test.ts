// Our streaming against Java's over local-router and over i2pd, and against i2pd's own tunnels on the closed network:
// both roles, 1 KB, 128 KB and 8 MB, byte-identical, without and with loss.
import { execFile } from 'node:child_process'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { Destination, LocalDestination, createSession, type SessionOptions } from '@minwww/i2cp'
import { createLocalRouter } from '@minwww/local-router'
import { createStreamManager, tunnelServer, type StreamManager } from '@minwww/streaming'
import { startService } from '../e2e/harness.ts'
import { reproducibleBytes } from '../testnet/bytes.mjs'
import { fetchOver } from '../testnet/fetch.ts'
import { networkMissing, startNetwork, type Address, type TestNetwork, type TestNetworkOptions } from '../testnet/network.ts'
import { javaMissing, startJavaStreamClient, startJavaStreamServer } from './java.ts'
import { startWebServer, transferBothWays } from './transfer.ts'

t.setTimeout(560_000)

const SIZES = [1024, 128 * 1024, 8 * 1024 * 1024]
const TUNNELS = { 'inbound.length': '1', 'outbound.length': '1', 'inbound.quantity': '2', 'outbound.quantity': '2' }
const TRANSFER_MS = 120_000
const PROBE_MS = 20_000
const RETRY_MS = 500
const MAX_NETWORKS = 3
const CURL = ['--silent', '--show-error', '--fail', '--max-time', '60', '--retry', '4', '--retry-all-errors']

async function openManager (t: Test, options: SessionOptions): Promise<StreamManager> {
  const session = await createSession({ ...options, options: { ...TUNNELS, ...options.options } })
  t.teardown(async () => await session.close())
  return createStreamManager(session)
}

/** Java's streaming and ours in both roles, with `ours` and `theirs` as I2CP addresses of one network. */
async function withJava (t: Test, ours: SessionOptions, theirs: Address, sizes: number[]): Promise<void> {
  const web = await startWebServer(t)
  const manager = await openManager(t, ours)

  const server = await startJavaStreamServer({ i2cp: theirs, target: web, options: TUNNELS })
  t.teardown(async () => await server.stop())
  const destination = Destination.fromBase64(server.destination)
  await transferBothWays(t, {
    name: 'our client, Java\'s server', sizes, timeout: TRANSFER_MS, open: () => manager.connect({ destination })
  })

  const tunnel = tunnelServer({ manager, target: web })
  t.teardown(async () => await tunnel.close())
  const client = await startJavaStreamClient({ i2cp: theirs, destination: manager.destination.base64, options: TUNNELS })
  t.teardown(async () => await client.stop())
  await transferBothWays(t, {
    name: 'Java\'s client, our server', sizes, timeout: TRANSFER_MS, open: () => connect(client.port, '127.0.0.1')
  })
}

for (const loss of [0, 0.02]) {
  t.test(`Java over local-router, ${loss * 100} % loss`, { skip: javaMissing() ?? false }, async t => {
    const router = createLocalRouter({ seed: 4, latency: 3, jitter: 1, loss })
    t.teardown(async () => await router.close())
    const address = await router.listen({ host: '127.0.0.1', port: 0 })
    await withJava(t, { connect: () => router.connect() }, address, SIZES)
  })
}

/** i2pd's server tunnel 'plain' on router 2 to the web server there, its client tunnel 'ours' on router 1 to our Destination. */
const i2pdTunnels = (ours: Destination): Record<number, string> => ({
  1: ['[ours]', 'type = client', 'address = 0.0.0.0', 'port = 5555', `destination = ${ours.b32}`, 'keys = ours.dat', ...i2pdOptions()].join('\n'),
  2: ['[plain]', 'type = server', 'host = 127.0.0.1', 'port = 8080', 'keys = plain.dat', ...i2pdOptions()].join('\n')
})

const i2pdOptions = (): string[] => ['i2cp.leaseSetEncType = 4', ...Object.entries(TUNNELS).map(([name, value]) => `${name} = ${value}`)]

interface Place { network: TestNetwork, manager: StreamManager, destination: Destination }

/**
 * A network whose two paths work at all: i2pd sometimes leaves one dead for minutes (docs/routers.md, "Dead paths"),
 * which no streaming can mend. What is tested is what streaming does on paths that carry messages.
 */
async function livePlace (t: Test, options: TestNetworkOptions): Promise<Place> {
  for (let attempt = 1; ; attempt++) {
    const keys = LocalDestination.generate()
    const network = await startNetwork({ ...options, hops: [1], tunnels: i2pdTunnels(keys.destination) })
    t.teardown(async () => await network.stop())
    const manager = await openManager(t, { connect: () => network.connect(3), keys })
    const destination = Destination.parse(network.destination(2, 'plain'))
    if (await answers(manager, destination) && await echoes(network, manager)) return { network, manager, destination }
    t.comment(`network ${attempt} has a dead path`)
    await network.stop()
    if (attempt === MAX_NETWORKS) throw new Error(`${attempt} networks with dead paths`)
  }
}

/** A page from i2pd's server tunnel. */
async function answers (manager: StreamManager, destination: Destination): Promise<boolean> {
  return await isPage(() => manager.connect({ destination }))
}

/** A page from a server of ours by way of i2pd's client tunnel. */
async function echoes (network: TestNetwork, manager: StreamManager): Promise<boolean> {
  const server = manager.createServer(socket => {
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\n\r\n'))
    socket.on('error', () => {})
  }).listen(0)
  const works = await isPage(() => network.connect({ host: '10.77.0.1', port: 5555 }))
  server.close()
  return works
}

async function isPage (open: () => Duplex): Promise<boolean> {
  const deadline = performance.now() + 3 * PROBE_MS
  while (performance.now() < deadline) {
    const page = await fetchOver(open(), 'GET /bytes/100 HTTP/1.1\r\nHost: test', PROBE_MS).catch(() => undefined)
    if (page?.status === 200) return true
    await sleep(RETRY_MS)
  }
  return false
}

async function withI2pd (t: Test, { network, manager, destination }: Place, sizes: number[]): Promise<void> {
  const web = await startWebServer(t)
  await transferBothWays(t, {
    name: 'our client, i2pd\'s server tunnel', sizes, timeout: TRANSFER_MS, open: () => manager.connect({ destination })
  })
  const tunnel = tunnelServer({ manager, target: web })
  t.teardown(async () => await tunnel.close())
  await transferBothWays(t, {
    name: 'i2pd\'s client tunnel, our server', sizes, timeout: TRANSFER_MS, open: () => network.connect({ host: '10.77.0.1', port: 5555 })
  })
}

/** A web site that i2pd's HTTP server tunnel serves, opened as somebody would do it: `minwww tunnel client` and curl. */
async function withCurl (t: Test, { network }: Place): Promise<void> {
  const { host, port } = await network.forward(3)
  const tunnel = await startService(t, ['tunnel', 'client', '--router', `${host}:${port}`, '--destination', network.site(1), '--port', '80',
    '--listen', '127.0.0.1:0', ...Object.entries(TUNNELS).flatMap(([name, value]) => ['--i2cp-option', `${name}=${value}`])])
  const run = promisify(execFile)
  const curl = async (path: string, ...args: string[]): Promise<Buffer> => {
    const { stdout } = await run('curl', [...CURL, ...args, `http://${String(tunnel.json.listen)}${path}`], { encoding: 'buffer', maxBuffer: 2 ** 25 })
    return stdout
  }
  for (const size of [1000, 300_000]) t.ok((await curl(`/bytes/${size}?seed=${size}`)).equals(reproducibleBytes(size, size)), `GET of ${size} bytes`)
  t.equal((await curl('/echo', '--data', 'a form')).toString(), 'a form', 'POST')
  t.equal((await curl('/nothing', '--no-fail', '--write-out', '%{http_code}')).toString(), 'not found\n404')
}

t.test('i2pd, no loss', { skip: networkMissing({ emulatedLinks: true }) ?? false }, async t => {
  const place = await livePlace(t, { delay: 1 })
  await withI2pd(t, place, SIZES)
  await t.test('a web site behind i2pd\'s HTTP server tunnel', async t => await withCurl(t, place))
  await t.test('Java\'s streaming over i2pd', { skip: javaMissing() ?? false }, async t => {
    await withJava(t, { connect: () => place.network.connect(4) }, await place.network.forward(5), SIZES)
  })
})

t.test('i2pd, 2 % loss on every link', { skip: networkMissing({ emulatedLinks: true }) ?? false }, async t => {
  const place = await livePlace(t, { delay: 1, loss: 0.02 })
  await withI2pd(t, place, SIZES)
})
