/**
 * Bit 15 of SendMessageExpires (proposal 171, a draft; docs/adr/0072) on routers that do not know it: messages with it and without in
 * turn, and streams that ask for another tunnel when they stall, over links that lose packets. A table of docs/reference/routers.md.
 *
 *   node --conditions=@minwww/source --import tsx test/interop/switch-tunnels.ts [bookworm|trixie|sid|java] [--loss 0.03] [--streams 20]
 *
 * It ends with status 1 if a stream brought something else than it should.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from 'node:net'
import { parseArgs } from 'node:util'
import { createSession, PROTOCOL, type Session } from '@minwww/i2cp'
import { createStreamManager, forwardFromTcp, forwardToTcp } from '@minwww/streaming'
import { reproducibleBytes } from '../testnet/bytes.mjs'
import { fetchOver } from '../testnet/fetch.ts'
import type { TestNetwork, TestNetworkOptions } from '../testnet/network.ts'
import { javaClasspath } from './java.ts'
import { inPlace, percentile, until } from './place.ts'

const { values, positionals: [name = 'sid'] } = parseArgs({
  allowPositionals: true, options: { loss: { type: 'string', default: '0.03' }, streams: { type: 'string', default: '20' } }
})

const JAVA = [1, 2, 3, 4, 5, 6, 7, 8]
/** Java routers build no tunnel in their first 90 s. */
const SETTLE = 110_000
const MESSAGES = 100
const BETWEEN = 100
const SETTLED = 3_000
const SIZE = 300_000
const PATIENCE = 60_000
const TUNNELS = { 'inbound.length': '1', 'outbound.length': '1', 'inbound.quantity': '2', 'outbound.quantity': '2' }

const network: Partial<TestNetworkOptions> = name === 'java'
  ? { java: JAVA, floodfills: 4, hops: [], readyTimeout: 0, classpath: await javaClasspath() }
  : {}

const loss = Number(values.loss)
const suite = name === 'java' ? undefined : name

await inPlace({ ...network, suite, delay: '10', loss }, async ({ network, site }) => {
  if (name === 'java') await sleep(SETTLE)
  const { origin } = await site()
  const [from, to] = [await open(network, 3), await open(network, 4)]
  await messages(from.session, to.session)
  const target = new URL(origin)
  const server = createStreamManager(to.session, {}, { switchesTunnels: true })
  const client = createStreamManager(from.session, {}, { switchesTunnels: true })
  forwardToTcp({ manager: server, target: { host: target.hostname, port: Number(target.port) }, port: 0 })
  const { address } = await forwardFromTcp({
    manager: client, destination: to.session.destination.base64, port: 80, listen: { host: '127.0.0.1', port: 0 }
  })
  const fetch = async (i: number): Promise<boolean> => {
    const { status, body } = await fetchOver(
      connect(address.port, address.host), `GET /bytes/${SIZE}?seed=${i} HTTP/1.1\r\nHost: site`, PATIENCE
    )
    return status === 200 && body.equals(reproducibleBytes(SIZE, i))
  }
  await until(async () => await fetch(0))
  let right = 0
  const times: number[] = []
  for (let i = 1; i <= Number(values.streams); i++) {
    const began = performance.now()
    if (await fetch(i).catch(() => false)) right++
    times.push(performance.now() - began)
  }
  if (right < times.length) process.exitCode = 1
  console.log(`${name}: ${right} of ${times.length} pages of ${SIZE} bytes right by stream, p50 ${percentile(times, 0.5)} ms; ` +
    `bit 15 sent ${from.asked() + to.asked()} times`)
  await Promise.all([client.close(), server.close()])
  await Promise.all([from.session.close(), to.session.close()])
})

/** A session that counts how often a stream asked for another tunnel. */
async function open (network: TestNetwork, router: number): Promise<{ session: Session, asked: () => number }> {
  const session = await createSession({ connect: () => network.connect(router), options: TUNNELS })
  const send = session.send.bind(session)
  let asked = 0
  session.send = (destination, payload, options) => {
    if (options.protocol === PROTOCOL.STREAMING && options.switchTunnel === true) asked++
    return send(destination, payload, options)
  }
  return { session, asked: () => asked }
}

/** One way, in turn with the bit and without. */
async function messages (from: Session, to: Session): Promise<void> {
  const sentAt: number[] = []
  const took = new Map<number, number>()
  const listen = ({ payload }: { payload: Buffer }): void => {
    const i = payload.readUInt32BE(0)
    took.set(i, performance.now() - (sentAt[i] ?? 0))
  }
  const send = (i: number, switchTunnel: boolean): void => {
    sentAt[i] = performance.now()
    const payload = Buffer.alloc(500)
    payload.writeUInt32BE(i)
    from.send(to.destination, payload, { protocol: PROTOCOL.RAW, fromPort: 1, toPort: 1, switchTunnel })
  }
  to.on('message', listen)
  await until(async () => {
    send(0, false)
    await sleep(SETTLED)
    if (!took.has(0)) throw new Error('no message arrives')
  })
  for (let i = 1; i <= 2 * MESSAGES; i++) {
    send(i, i % 2 === 0)
    await sleep(BETWEEN)
  }
  await sleep(SETTLED)
  to.off('message', listen)
  const of = (rest: number): number[] => [...took].filter(([i]) => i > 0 && i % 2 === rest).map(([, time]) => time)
  for (const [what, rest] of [['without', 1], ['with', 0]] as const) {
    console.log(`${name}: ${of(rest).length} of ${MESSAGES} messages ${what} bit 15 arrived, p50 ${percentile(of(rest), 0.5)} ms`)
  }
}
