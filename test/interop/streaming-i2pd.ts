/** Our streaming and i2pd's own client and server tunnels on the closed network, both roles. */
import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { Destination, LocalDestination } from '@minwww/i2cp'
import { forwardToTcp, type StreamManager } from '@minwww/streaming'
import { fetchOver } from '../testnet/fetch.ts'
import { startNetwork, type TestNetwork, type TestNetworkOptions } from '../testnet/network.ts'
import { openManager, SIZES, TRANSFER_MS, TUNNELS } from './streaming-java.ts'
import { startWebServer, transferBothWays } from './transfer.ts'

const PROBE_MS = 15_000
const RETRY_MS = 500
const MAX_NETWORKS = 5
/** Connections for one transfer: i2pd may leave a path dead for minutes at any time (docs/reports/routers.md, "Dead paths"). */
export const ATTEMPTS = 3

/** i2pd's server tunnel 'plain' on router 2 to the web server there, its client tunnel 'ours' on router 1 to our Destination. */
const i2pdTunnels = (ours: Destination): Record<number, string> => ({
  1: [
    '[ours]', 'type = client', 'address = 0.0.0.0', 'port = 5555', `destination = ${ours.b32}`, 'keys = ours.dat', ...i2pdOptions()
  ].join('\n'),
  2: ['[plain]', 'type = server', 'host = 127.0.0.1', 'port = 8080', 'keys = plain.dat', ...i2pdOptions()].join('\n')
})

const i2pdOptions = (): string[] => ['i2cp.leaseSetEncType = 4', ...Object.entries(TUNNELS).map(([name, value]) => `${name} = ${value}`)]

export interface Place { network: TestNetwork, manager: StreamManager, destination: Destination }

/**
 * A network whose two paths work at all: i2pd sometimes leaves one dead for minutes (docs/reports/routers.md, "Dead paths"),
 * which no streaming can mend. What is tested is what streaming does on paths that carry messages. Another network has
 * another seed: with the same one it would lose the same again.
 */
export async function livePlace (t: Test, options: TestNetworkOptions): Promise<Place> {
  for (let attempt = 1; ; attempt++) {
    const keys = LocalDestination.generate()
    const network = await startNetwork({ ...options, seed: attempt, hops: [1], tunnels: i2pdTunnels(keys.destination) })
    t.teardown(async () => await network.stop())
    const manager = await openManager(t, { connect: () => network.connect(3), keys })
    const destination = Destination.parse(network.destination(2, 'plain'))
    const there = await answers(manager, destination)
    if (there && await echoes(network, manager)) return { network, manager, destination }
    t.comment(`network ${attempt} has a dead path: ${there ? "from i2pd's client tunnel to us" : "from us to i2pd's server tunnel"}`)
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

export async function withI2pd (t: Test, { network, manager, destination }: Place): Promise<void> {
  const web = await startWebServer(t)
  await transferBothWays(t, {
    name: 'our client, i2pd\'s server tunnel',
    sizes: SIZES,
    timeout: TRANSFER_MS,
    attempts: ATTEMPTS,
    open: () => manager.connect(
      { destination }
    )
  })
  const tunnel = forwardToTcp({ manager, target: web })
  t.teardown(async () => await tunnel.close())
  await transferBothWays(t, {
    name: 'i2pd\'s client tunnel, our server',
    sizes: SIZES,
    timeout: TRANSFER_MS,
    attempts: ATTEMPTS,
    open: () => network.connect(
      { host: '10.77.0.1', port: 5555 }
    )
  })
}
