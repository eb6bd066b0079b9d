/**
 * Our streaming against Java's over one embedded router, in all four pairs of roles: the figures of docs/reference/streaming.md.
 *
 *   node --conditions=@minwww/source --import tsx test/interop/measure-streaming.ts [options]
 *
 * Options: --latency 0,100,250 (one way, ms), --loss 0,0.01,0.05 (of tunnel messages), --pairs java-java,ours-java,java-ours,ours-ours
 * (server-client), --size MB (default 8 without latency, else 1), --limit S (longest bulk transfer, default 60), --small N
 * (requests of each
 * kind, default 10), --seed N, --json. Pairs run one after another without latency, else side by
 * side, each over a router of its own. Every end is a TCP tunnel in a process of its own; CPU is what these used. The bulk
 * transfer is a download, made twice: with nothing known, and with what the first one taught about the path. * after a figure:
 * cut off by the limit.
 */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { Agent, get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { createLocalRouter } from '@minwww/local-router'
import { createWebServer } from '../testnet/web.mjs'
import type { Address } from '../testnet/network.ts'
import { javaMissing, startJavaStreamClient, startJavaStreamServer } from './java.ts'
import { Peer } from './peer.ts'

const MEGABYTE = 1_000_000
const SMALL = 1_000
const SMALL_LIMIT_MS = 60_000
const READY_MS = 60_000
const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))

const { values } = parseArgs({
  options: {
    latency: { type: 'string', default: '0,100,250' },
    loss: { type: 'string', default: '0,0.01,0.05' },
    pairs: { type: 'string', default: 'java-java,ours-java,java-ours,ours-ours' },
    size: { type: 'string' },
    limit: { type: 'string', default: '60' },
    small: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false }
  }
})
const numbers = (text: string): number[] => text.split(',').map(Number)

interface Bulk { kilobytesPerSecond: number, complete: boolean, /** CPU seconds per megabyte. */ serverCpu: number, clientCpu: number }
interface Row {
  latency: number,
  loss: number,
  server: string,
  client: string,
  bulk: Bulk[],
  newStream: number,
  openStream: number,
  failed: number
}

type Tunnel = Peer & { destination: string, port: number }

async function startOurs (role: 'server' | 'client', i2cp: Address, more: string[]): Promise<Tunnel> {
  const peer = new Peer(process.execPath, ['--conditions=@minwww/source', '--import', 'tsx', fileURLToPath(
    new URL('stream-peer.ts', import.meta.url)
  ),
  role, '--i2cp', `${i2cp.host}:${i2cp.port}`, ...more])
  return Object.assign(peer, await peer.next('ready', READY_MS)) as unknown as Tunnel
}

async function startServer (kind: string, i2cp: Address, target: Address): Promise<Peer & { destination: string }> {
  return kind === 'java'
    ? await startJavaStreamServer({ i2cp, target })
    : await startOurs('server', i2cp, ['--target', `${target.host}:${target.port}`])
}

async function startClient (kind: string, i2cp: Address, destination: string): Promise<Peer & { port: number }> {
  return kind === 'java'
    ? await startJavaStreamClient({ i2cp, destination })
    : await startOurs('client', i2cp, [`--destination=${destination}`])
}

/** CPU seconds that a process has used. */
function cpu (pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/^.*\) /, '').split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

interface Download { bytes: number, ms: number, complete: boolean }

async function download (port: number, size: number, limit: number, agent?: Agent): Promise<Download> {
  const started = performance.now()
  let bytes = 0
  try {
    const request = get({ host: '127.0.0.1', port, path: `/bytes/${size}`, agent: agent ?? false, signal: AbortSignal.timeout(limit) })
    const [response] = await once(request, 'response') as [IncomingMessage]
    for await (const chunk of response) bytes += (chunk as Buffer).length
  } catch {} // what came within the limit counts
  return { bytes, ms: performance.now() - started, complete: bytes === size }
}

async function bulk (server: Peer, client: Peer & { port: number }, size: number): Promise<Bulk> {
  const before = [cpu(server.pid), cpu(client.pid)] as const
  const { bytes, ms, complete } = await download(client.port, size, Number(values.limit) * 1000)
  const per = MEGABYTE / Math.max(bytes, 1)
  return {
    kilobytesPerSecond: bytes / ms, complete, serverCpu: (cpu(server.pid) - before[0]) * per, clientCpu: (cpu(client.pid) - before[1]) * per
  }
}

/** Median of `count` requests for 1 KB: each on a stream of its own, or all on one that is open. */
async function small (port: number, count: number, agent?: Agent): Promise<{ median: number, failed: number }> {
  const times: number[] = []
  if (agent !== undefined) await download(port, SMALL, SMALL_LIMIT_MS, agent)
  for (let n = 0; n < count; n++) {
    const { ms, complete } = await download(port, SMALL, SMALL_LIMIT_MS, agent)
    if (complete) times.push(ms)
  }
  times.sort((a, b) => a - b)
  return { median: times[times.length >> 1] ?? NaN, failed: count - times.length }
}

async function measure (target: Address, latency: number, loss: number, pair: string): Promise<Row> {
  const [serverKind = '', clientKind = ''] = pair.split('-')
  const router = createLocalRouter({ seed: Number(values.seed), latency, loss })
  const i2cp = await router.listen({ host: '127.0.0.1', port: 0 })
  const server = await startServer(serverKind, i2cp, target)
  const client = await startClient(clientKind, i2cp, server.destination)
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  try {
    const size = (values.size === undefined ? (latency === 0 ? 8 : 1) : Number(values.size)) * MEGABYTE
    const transfers = [await bulk(server, client, size), await bulk(server, client, size)]
    const count = Number(values.small)
    const fresh = await small(client.port, count)
    const open = await small(client.port, count, agent)
    return {
      latency,
      loss,
      server: serverKind,
      client: clientKind,
      bulk: transfers,
      newStream: fresh.median,
      openStream: open.median,
      failed: fresh.failed + open.failed
    }
  } finally {
    agent.destroy()
    await Promise.all([client.stop(), server.stop()])
    await router.close()
  }
}

/** Where the processor does not decide, the pairs run side by side. */
function groups (latency: number): string[][] {
  const pairs = values.pairs.split(',')
  return latency === 0 ? pairs.map(pair => [pair]) : [pairs]
}

function line ({ latency, loss, server, client, bulk, newStream, openStream, failed }: Row): string {
  const goodput = bulk.map(({ kilobytesPerSecond, complete }) => `${kilobytesPerSecond.toFixed(0)}${complete ? '' : '*'}`).join(', ')
  const spent = bulk.map(({ serverCpu, clientCpu }) => `${(serverCpu * 1000).toFixed(0)}+${(clientCpu * 1000).toFixed(0)}`).join(', ')
  return `| ${latency} | ${loss * 100} | ${server} | ${client} | ${goodput} | ${spent} | ${newStream.toFixed(0)} | ` +
    `${openStream.toFixed(0)} |${failed > 0 ? ` ${failed} failed` : ''}`
}

const missing = javaMissing()
if (missing !== undefined) throw new Error(missing)
const web = createWebServer().listen(0, '127.0.0.1')
await once(web, 'listening')
const target = { host: '127.0.0.1', port: (web.address() as AddressInfo).port }
if (!values.json) {
  console.log('| one way, ms | loss, % | server | client | bulk, KB/s | CPU of server + client, ms/MB | 1 KB on a new ' +
  'stream, ms | on an open one, ms |\n|---|---|---|---|---|---|---|---|')
}
for (const latency of numbers(values.latency)) {
  for (const loss of numbers(values.loss)) {
    for (const group of groups(latency)) {
      for (const row of await Promise.all(group.map(async pair => await measure(target, latency, loss, pair)))) {
        console.log(values.json ? JSON.stringify(row) : line(row))
      }
    }
  }
}
web.close()
web.closeAllConnections()
