// Foreign I2CP clients and ours exchange messages through local-router: protocol numbers and ports in both directions.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { runBench } from '@minwww/benchmark'
import { MAX_PAYLOAD, Destination, LocalDestination, createSession, type ReceivedMessage, type Session } from '@minwww/i2cp'
import { createLocalRouter } from '@minwww/local-router'
import { reproducibleBytes } from '../testnet/bytes.mjs'
import type { Address } from '../testnet/network.ts'
import { Inbox } from './exchange.ts'
import { GO_I2CP_ADDRESS, goMissing, startGoClient } from './go.ts'
import { javaMissing, startJavaClient } from './java.ts'
import type { Peer } from './peer.ts'

t.setTimeout(240_000)

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const swapped = (port: number): number => (port & 0xff) << 8 | port >> 8

async function isTaken (address: Address): Promise<boolean> {
  const socket = connect(address)
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

/** The network is perfect: a message that takes longer has been lost by one of the libraries. */
const WAIT_MS = 10_000

/**
 * go-i2cp fills the signing key's field with zeros wherever it writes a Destination, so it reaches only Destinations
 * whose padding there is zero: for all others it names a hash that nobody has.
 */
function zeroPaddedKeys (): LocalDestination {
  const bytes = Buffer.from(LocalDestination.generate().toBytes())
  bytes.fill(0, 256, 256 + 96)
  return LocalDestination.parse(bytes)
}

interface Setting { session: Session, inbox: Inbox, address: Address }

async function setting (t: Test, at: Address = { host: '127.0.0.1', port: 0 }, keys = LocalDestination.generate()): Promise<Setting> {
  const router = createLocalRouter({ seed: 3, latency: 1, jitter: 0, loss: 0 })
  t.teardown(async () => await router.close())
  const address = await router.listen(at)
  const session = await createSession({ router: address, keys })
  t.teardown(async () => await session.close())
  return { session, inbox: new Inbox(session), address }
}

const FORMS = [
  { protocol: 18, fromPort: 0x1234, toPort: 0xabcd },
  { protocol: 6, fromPort: 1, toPort: 80 },
  { protocol: 19, fromPort: 65_535, toPort: 0 },
  { protocol: 224, fromPort: 0, toPort: 256 }
]
// Java's client library and go-i2cp compress what they send, so a message that compresses well is among them.
const PAYLOADS = [Buffer.of(7), Buffer.alloc(5_000, 'compressible '), reproducibleBytes(1_818, 1), reproducibleBytes(40_000, 2)]

async function taken (inbox: Inbox): Promise<ReceivedMessage> {
  const message = await inbox.take(() => true, WAIT_MS)
  if (message === undefined) throw new Error(`the peer's message did not arrive within ${WAIT_MS} ms`)
  return message
}

/** go-i2cp calls its session created before it has answered the request for a LeaseSet. */
async function hasLeaseSet (session: Session, peer: Destination): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const found = await session.lookupHash(peer.hash).then(() => true, () => false)
    if (found) return
    await sleep(50)
  }
  throw new Error('the peer made no LeaseSet')
}

interface Library {
  /** What it makes of a port on the wire. */
  port: (port: number) => number
  /** Largest payload it sends, if less than MAX_PAYLOAD. */
  largest?: number
}

/** Everything in both directions. */
async function exchangeWith (
  t: Test, peer: Peer & { destination: string }, { session, inbox }: Setting, { port, largest = MAX_PAYLOAD }: Library
): Promise<void> {
  const to = Destination.fromBase64(peer.destination)
  await hasLeaseSet(session, to)
  for (const form of FORMS) {
    for (const payload of PAYLOADS) {
      const name = `${payload.length} bytes, protocol ${form.protocol}, ports ${form.fromPort} to ${form.toPort}`
      peer.command('send', session.destination.base64, form.protocol, port(form.fromPort), port(form.toPort), payload.toString('base64'))
      t.match(await taken(inbox), { ...form, payload }, `from the peer: ${name}`)
      session.send(to, payload, form)
      t.match(await peer.nextMessage(WAIT_MS), {
        protocol: form.protocol, fromPort: port(form.fromPort), toPort: port(form.toPort), length: payload.length, sha256: sha256(payload)
      }, `to the peer: ${name}`)
    }
  }
  const most = reproducibleBytes(MAX_PAYLOAD, 3)
  session.send(to, most, { protocol: 18 })
  t.match(await peer.nextMessage(WAIT_MS), { length: MAX_PAYLOAD, sha256: sha256(most) }, 'the largest payload to the peer')
  peer.command('send', session.destination.base64, 18, 0, 0, most.subarray(0, largest).toString('base64'))
  t.ok((await taken(inbox)).payload.equals(most.subarray(0, largest)), 'the largest payload from the peer')
}

t.test('Java I2P\'s client library', { skip: javaMissing() ?? false }, async t => {
  const place = await setting(t)
  const peer = await startJavaClient({ i2cp: place.address })
  t.teardown(async () => await peer.stop())
  // Its compressor takes 40 KiB at most ("tell jrandom"); it receives more.
  await exchangeWith(t, peer, place, { port: port => port, largest: 40 * 1024 })

  peer.command('lookup', place.session.destination.b32)
  t.match(await peer.next('lookup'), { found: true, destination: place.session.destination.base64 }, 'finds us by .b32.i2p')
  peer.command('lookup', `${'a'.repeat(52)}.b32.i2p`)
  t.match(await peer.next('lookup'), { found: false })
  t.ok((await place.session.lookup(Destination.fromBase64(peer.destination).b32)).base64 === peer.destination, 'we find it')
  peer.command('bandwidth')
  t.match(await peer.next('bandwidth'), { limits: /^\[\d+, \d+/ })
  peer.command('close')
  await peer.next('closed')
})

t.test('go-i2cp', async t => {
  const missing = await goMissing()
  if (missing !== undefined) return t.plan(0, missing)
  if (await isTaken(GO_I2CP_ADDRESS)) return t.plan(0, 'port 7654, the only one go-i2cp connects to, is in use here')
  const place = await setting(t, GO_I2CP_ADDRESS, zeroPaddedKeys())
  const peer = await startGoClient()
  t.teardown(async () => await peer.stop())
  // go-i2cp reads and writes both ports little-endian, against the specification and everybody else.
  await exchangeWith(t, peer, place, { port: swapped })
  peer.command('close')
  await peer.next('closed')
})

t.test('minwww bench i2cp', async t => {
  const { scenarios: [result] } = await runBench({ scenarios: ['i2cp'], quick: true, settings: { runs: 1 } })
  t.match(result, { status: 'done' })
  for (const size of [1024, 61_440]) {
    const rateOf = (design: string): number => result?.throughput.find(
      row => row.design === design && row.conditions.size === size
    )?.messagesPerSecond ?? 0
    t.comment(`${size} bytes: ours ${rateOf('minwww')} messages/s, go-i2cp ${rateOf('go-i2cp')}`)
    t.ok(rateOf('minwww') > 0)
    t.ok(rateOf('minwww') >= rateOf('go-i2cp'), 'not slower than go-i2cp, if that is there')
  }
})
