/**
 * Our service with an encrypted LeaseSet, found by its b33 name only: through i2pd's HTTP proxy, or Java's client library as I2PTunnel
 * uses it, and through our own commands. A table of docs/reference/routers.md.
 *
 *   node --conditions=@minwww/source --import tsx test/interop/encrypted.ts [bookworm|trixie|sid|java|java-sid]
 *
 * With `java-sid` those who ask are on a Java router, the service on i2pd 2.59. It ends with status 1 if anything failed.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { CLI, fetchPage, startService, temporaryFolder } from '../e2e/harness.ts'
import { reproducibleBytes } from '../testnet/bytes.mjs'
import { fetchOver } from '../testnet/fetch.ts'
import type { Suite, TestNetworkOptions } from '../testnet/network.ts'
import { javaClasspath, startJavaStreamClient } from './java.ts'
import { i2cpFlags, inPlace, until } from './place.ts'
import { TUNNELS } from './streaming-java.ts'

interface Kind extends Omit<TestNetworkOptions, 'delay'> {
  /** Routers of those who ask, and of the service. */
  from: number
  to: number
  /** Until its routers build tunnels, ms. */
  settle?: number
}

const JAVA = { floodfills: 4, hops: [], readyTimeout: 0, settle: 110_000 }
const i2pd = (suite: Suite): Kind => ({ from: 3, to: 4, suite })
const KINDS: Readonly<Record<string, Kind>> = {
  bookworm: i2pd('bookworm'),
  trixie: i2pd('trixie'),
  sid: i2pd('sid'),
  java: { ...JAVA, from: 1, to: 3, java: [1, 2, 3, 4, 5, 6, 7, 8] },
  'java-sid': { ...JAVA, from: 5, to: 3, suite: 'sid', java: [5, 6, 7, 8] }
}
const SIZE = 100_000
const SEED = 8
const PATIENCE_MS = 120_000

const { positionals: [name = 'sid'] } = parseArgs({ allowPositionals: true, options: {} })
const kind = KINDS[name]
if (kind === undefined) throw new Error(`no such kind: ${name}`)
const { from, to, settle = 0, ...network } = kind
if (network.java !== undefined) network.classpath = await javaClasspath()

await inPlace({ ...network, delay: '10' }, async ({ network, owner, routerAt, site }) => {
  await sleep(settle)
  const [asks, serves] = [await routerAt(from), await routerAt(to)]
  const keys = join(temporaryFolder(owner), 'hidden.dat')
  const { json: { b33, b32, destination } } = await startService(owner, [
    'tunnel', 'server', '--router', serves, '--target', new URL((await site()).origin).host, '--keys', keys,
    ...i2cpFlags('1', 'i2cp.leaseSetType=5')
  ]) as unknown as { json: Record<'b33' | 'b32' | 'destination', string> }
  await part('keys show prints the b33 name', async () => {
    const shown = JSON.parse((await minwww('keys', 'show', keys, '--json')).output) as { b33: string }
    if (shown.b33 !== b33) throw new Error(`${shown.b33} is not ${b33}`)
  })
  // First: a Java router that has found the b33 name knows the Destination by its hash too.
  await part('nothing is found by the b32 name', async () => {
    const { output, status } = await minwww('lookup', b32, '--router', asks, '--json', '--timeout', '20')
    if (status === 0) throw new Error(output.trim())
  })
  if (network.options.java === undefined) {
    await part("through i2pd's HTTP proxy", async () => await until(async () =>
      await page(network.connect(network.proxy(1)), `http://${b33}`, b33), PATIENCE_MS))
  } else {
    await part("through Java's stream client", async () => {
      const [host, port] = asks.split(':') as [string, string]
      const client = await startJavaStreamClient({ i2cp: { host, port: Number(port) }, destination: b33, options: TUNNELS })
      owner.teardown(async () => await client.stop())
      await until(async () => await page(connect(client.port, '127.0.0.1'), '', b33), PATIENCE_MS)
    })
  }
  // i2pd looks for encrypted LeaseSets for its own tunnels only.
  const cannot = network.options.java === undefined
  await part(`lookup of the b33 name${cannot ? ' says that i2pd cannot' : ''}`, async () => await until(async () => {
    const { output } = await minwww('lookup', b33, '--router', asks, '--json')
    if (!output.includes(cannot ? 'i2pd looks up no encrypted LeaseSets' : destination)) throw new Error(output.trim())
  }, PATIENCE_MS))
  const proxy = await startService(owner, ['proxy', '--router', asks, '--proxy', '127.0.0.1:0', '--i2p-only', ...i2cpFlags('1')])
  await part(`our proxy${cannot ? ' says that some routers cannot' : ''}`, async () => await until(async () => {
    const { status, body } = await fetchPage(`http://${b33}/bytes/${SIZE}?seed=${SEED}`, proxy.json.proxy as string)
    if (!cannot) check(status, body)
    else if (!/some routers cannot/.test(body.toString())) throw new Error(`status ${status}, ${body.toString().slice(0, 300)}`)
  }, PATIENCE_MS))
})

/** Says what came of one part, and how long it took. */
async function part (what: string, work: () => Promise<unknown>): Promise<void> {
  const began = performance.now()
  const failure = await work().then(() => undefined, (error: unknown) => (error as Error).message)
  if (failure !== undefined) process.exitCode = 1
  console.log(`${name} ${what}: ${failure ?? 'right'}, ${((performance.now() - began) / 1000).toFixed(1)} s`)
}

async function page (socket: Duplex, prefix: string, host: string): Promise<void> {
  const { status, body } = await fetchOver(socket, `GET ${prefix}/bytes/${SIZE}?seed=${SEED} HTTP/1.1\r\nHost: ${host}`, 30_000)
  check(status, body)
}

function check (status: number, body: Buffer): void {
  if (status !== 200 || !body.equals(reproducibleBytes(SIZE, SEED))) throw new Error(`status ${status}, ${body.length} of ${SIZE} bytes`)
}

/** What a command says, on both its streams, and its end. */
async function minwww (...args: string[]): Promise<{ output: string, status: number | null }> {
  const child = spawn(process.execPath, [CLI, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => { output += chunk.toString() })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => { said += chunk.toString() })
  const [status] = await once(child, 'close') as [number | null]
  return { output: status === 0 ? output : output + said, status }
}
