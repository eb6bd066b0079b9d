/**
 * What real routers do with messages: the figures of docs/reports/routers.md. Starts a closed network, measures, stops it.
 *
 *   node --conditions=@minwww/source --import tsx test/interop/measure.ts KIND... [options]
 *
 * KIND: tunnels, publish, payload, loss, burst, paths. Options: --hops 1, --delay MS, --jitter MS, --loss SHARE, --ssu2 false,
 * --routers 8, --java all or numbers (Java I2P on these routers), --from 3, --to 4 (routers of the two sessions; loss and
 * burst are measured in both directions if only one of them is Java).
 */
import type { Socket } from 'node:net'
import { parseArgs } from 'node:util'
import { setTimeout as sleep } from 'node:timers/promises'
import { FrameReader, TYPE, createSession, type Session } from '@minwww/i2cp'
import { startNetwork, type TestNetwork } from '../testnet/network.ts'
import { exchange, Inbox } from './exchange.ts'
import { javaClasspath } from './java.ts'
import { burst, loss, paths, payload, publish, type Pair } from './measurements.ts'

const KINDS = { payload, loss, burst } as const
/** Java routers lose what is sent before their LeaseSet look-up works, and remember a few failed ones for minutes. */
const SETTLE_MS = 15_000

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    hops: { type: 'string', default: '1' },
    delay: { type: 'string', default: '0' },
    jitter: { type: 'string', default: '0' },
    loss: { type: 'string', default: '0' },
    ssu2: { type: 'string', default: 'true' },
    routers: { type: 'string', default: '8' },
    java: { type: 'string', default: '' },
    from: { type: 'string', default: '3' },
    to: { type: 'string', default: '4' },
    seed: { type: 'string', default: '1' }
  }
})

const count = Number(values.routers)
const hops = Number(values.hops)
const java = values.java === 'all'
  ? Array.from({ length: count }, (_, index) => index + 1)
  : values.java.split(',').filter(Boolean).map(Number)

/** The transport under each session and the session's id, for messages that the session itself refuses to send. */
const raw = new Map<Session, Pair['raw']>()

async function openSession (network: TestNetwork, router: number): Promise<Session> {
  const options: Record<string, string> = { 'inbound.allowZeroHop': String(hops === 0), 'outbound.allowZeroHop': String(hops === 0) }
  for (const direction of ['inbound', 'outbound']) {
    options[`${direction}.length`] = String(hops)
    options[`${direction}.quantity`] = '3'
  }
  let sessionId = 0
  let transport: Socket | undefined
  const connect = (): Socket => {
    transport = network.connect(router)
    const frames = new FrameReader()
    transport.on('data', chunk => {
      for (const { type, body } of frames.push(chunk)) if (type === TYPE.SessionStatus) sessionId = body.readUInt16BE(0)
    })
    return transport
  }
  const session = await createSession({ connect, options, waitForRouter: true })
  raw.set(session, { write: frame => { transport?.write(frame) }, sessionId: () => sessionId })
  return session
}

async function timedSession (network: TestNetwork, router: number): Promise<Session> {
  const started = performance.now()
  const session = await openSession(network, router)
  console.log(`tunnels: session on router ${router} ready after ${((performance.now() - started) / 1000).toFixed(1)} s, SetDate says ` +
    `'${session.routerVersion}'`)
  return session
}

const network = await startNetwork({
  routers: count,
  floodfills: Math.ceil(count / 2),
  hops: java.length > 0 ? [] : [hops],
  delay: Number(values.delay),
  jitter: Number(values.jitter),
  loss: Number(values.loss),
  seed: Number(values.seed),
  ssu2: values.ssu2 === 'true',
  java,
  ...(java.length > 0 ? { classpath: await javaClasspath() } : {})
})
try {
  console.log(`network: ${process.argv.slice(2).join(' ')}; i2pd's first page ${JSON.stringify([...network.readyAfter])} (hops, ms ` +
    'after the routers\' start)')
  const from = Number(values.from)
  const to = Number(values.to)
  const mixed = java.includes(from) !== java.includes(to)
  // Java floodfills are not up when i2pd's session is, and i2pd gives up publishing ("no more floodfills found"): Java first.
  const order = mixed && java.includes(to) ? [to, from] : [from, to]
  const [first, second] = mixed
    ? [await timedSession(network, order[0]!), await timedSession(network, order[1]!)]
    : await Promise.all([timedSession(network, from), timedSession(network, to)])
  const [a, b] = order[0] === from ? [first, second] : [second, first]
  if (positionals.includes('tunnels')) for (let n = 0; n < 3; n++) await (await timedSession(network, from)).close()
  await sleep(SETTLE_MS)
  const began = performance.now()
  await exchange(a, b.destination, new Inbox(b), {
    protocol: 18, fromPort: 0, toPort: 0, payload: Buffer.alloc(100, 'first')
  }, { wait: 20_000, attempts: 10 })
  console.log(`first message ${((performance.now() - began + SETTLE_MS) / 1000).toFixed(1)} s after both sessions were ready`)
  const pair: Pair = { from: a, to: b, raw: raw.get(a) as Pair['raw'] }
  for (const kind of positionals) {
    if (kind in KINDS) await KINDS[kind as keyof typeof KINDS](pair)
    else if (kind === 'paths') await paths([a, b, await timedSession(network, 5), await timedSession(network, 6)])
    else if (kind === 'publish') await publish(async () => await openSession(network, from), [await openSession(network, 1), b])
    else if (kind !== 'tunnels') throw new Error(`unknown kind ${kind}`)
  }
  if (mixed) {
    console.log(`the other way, from router ${to} to ${from}:`)
    const back: Pair = { from: b, to: a, raw: raw.get(b) as Pair['raw'] }
    for (const kind of ['loss', 'burst'] as const) if (positionals.includes(kind)) await KINDS[kind](back)
  }
} finally {
  await network.stop()
}
process.exit(0) // sessions are left to their routers, which are gone
