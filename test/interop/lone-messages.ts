/**
 * Messages that no other follows, where the sender's outbound endpoint and the receiver's inbound gateway are the same router, and where
 * they are two. A table of docs/reference/routers.md.
 *
 *   node --conditions=@minwww/source --import tsx test/interop/lone-messages.ts [bookworm|trixie|sid] [--messages 80]
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { createSession, PROTOCOL, type Session } from '@minwww/i2cp'
import type { TestNetwork } from '../testnet/network.ts'
import { inPlace, percentile, until } from './place.ts'

const [FROM, TO] = [3, 4]
/** The only hop of the sender's tunnels; that of the receiver's is the same, or the other one. */
const HOP = 5
const OTHER_HOP = 6
const BETWEEN = 500
const SETTLED = 3_000
const LATE = 300
/** Answered messages until both routers have a ratchet session. */
const KNOWN = 6
const SIZE = 683

const { values, positionals: [suite = 'sid'] } = parseArgs({
  allowPositionals: true, options: { messages: { type: 'string', default: '80' } }
})
const messages = Number(values.messages)

await inPlace({ suite, delay: '10' }, async ({ network }) => {
  const from = await open(network, FROM, HOP)
  for (const [what, hop] of [['the same router', HOP], ['two routers', OTHER_HOP]] as const) {
    const to = await open(network, TO, hop)
    const times = await measure(from, to)
    await to.close()
    console.log(`${suite}, ${what}: ${times.length} of ${messages} arrived, p50 ${percentile(times, 0.5)} p95 ${percentile(times, 0.95)} ` +
      `longest ${percentile(times, 1)} ms, later than ${LATE} ms: ${times.filter(time => time > LATE).length}`)
  }
  await from.close()
})

async function open (network: TestNetwork, router: number, hop: number): Promise<Session> {
  const directions = ['inbound', 'outbound'].flatMap(name => [[`${name}.length`, '1'], [`${name}.quantity`, '1']])
  const options = { ...Object.fromEntries(directions) as Record<string, string>, explicitPeers: network.routerHash(hop) }
  return await createSession({ connect: () => network.connect(router), options })
}

/** @returns ms that each took which arrived */
async function measure (from: Session, to: Session): Promise<number[]> {
  const ports = { protocol: PROTOCOL.RAW, fromPort: 1, toPort: 1 }
  const sentAt: number[] = []
  const took: number[] = []
  let isAnswering = true
  to.on('message', ({ payload }) => {
    const i = payload.readUInt32BE(0)
    took[i] = performance.now() - sentAt[i]!
    if (isAnswering) to.send(from.destination, payload, ports)
  })
  const send = (): void => {
    const payload = Buffer.alloc(SIZE)
    payload.writeUInt32BE(sentAt.length)
    sentAt.push(performance.now())
    from.send(to.destination, payload, ports)
  }
  await until(async () => {
    send()
    await sleep(BETWEEN)
    if (Object.keys(took).length < KNOWN) throw new Error('too few messages arrive')
  })
  isAnswering = false
  await sleep(SETTLED)
  const first = sentAt.length
  for (let i = 0; i < messages; i++) {
    send()
    await sleep(BETWEEN)
  }
  await sleep(SETTLED)
  return Object.values(took.slice(first))
}
