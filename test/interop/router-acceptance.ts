/**
 * What every I2CP router must do for MinWWW, as one suite that runs against each of them: session, LeaseSet, messages
 * of every size up to the limit, ports and protocols, look-ups, several sessions, destruction, a router that restarts,
 * Datagram2.
 */
import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { MAX_PAYLOAD, I2cpError, LocalDestination, createSession, decodeDatagram2, encodeDatagram2, type Session } from '@minwww/i2cp'
import { reproducibleBytes } from '../testnet/bytes.mjs'
import { exchange, Inbox, type ExchangeOptions } from './exchange.ts'

export interface RouterUnderTest {
  name: string
  /** New transports to the router: to one, and to the same or another one of the same network. */
  places: [() => Duplex, () => Duplex]
  /** Tunnel options of the sessions. */
  options?: Record<string, string>
  /** Further ones of the sessions in places[1]. */
  peerOptions?: Record<string, string>
  /** Time to let LeaseSets settle after a session is ready, ms. */
  settle?: number
  exchange?: ExchangeOptions
  /** Protocols that it does not pass on. Default none. */
  drops?: readonly number[]
  /** Kills and starts the router of places[0]. Without it the reconnection is not tested. */
  restart?: () => Promise<void>
  /** How long the session may take to return after a restart, ms. Default 120,000. */
  returnTime?: number
}

const SIZES = [1, 32, 822, 1_818, 10_000, 30_000, MAX_PAYLOAD]
const PORTS: Array<{ protocol: number, fromPort: number, toPort: number }> = [
  { protocol: 18, fromPort: 0x1234, toPort: 0xabcd }, // a swap of ports or of their bytes shows
  { protocol: 18, fromPort: 0, toPort: 65_535 },
  { protocol: 6, fromPort: 1, toPort: 80 },
  { protocol: 17, fromPort: 0, toPort: 0 },
  { protocol: 20, fromPort: 256, toPort: 1 }
]

export async function routerAcceptance (t: Test, router: RouterUnderTest): Promise<void> {
  const [here, there] = router.places
  const open = async (connect: () => Duplex, options: Record<string, string> = {}): Promise<Session> =>
    await createSession({ connect, options: { ...router.options, ...options }, backoff: { min: 500, max: 5_000 }, waitForRouter: true })
  const started = performance.now()
  const inboxes = new Map<Session, Inbox>()
  const deliver = async (
    from: Session, to: Session, payload: Buffer, o: { protocol?: number, fromPort?: number, toPort?: number } = {}
  ) => {
    const inbox = inboxes.get(to) ?? new Inbox(to)
    inboxes.set(to, inbox)
    return await exchange(from, to.destination, inbox, { protocol: 18, fromPort: 0, toPort: 0, ...o, payload }, router.exchange)
  }
  const talk = async (one: Session, other: Session): Promise<void> => {
    await sleep(router.settle ?? 0)
    await deliver(one, other, Buffer.from('first'))
    await deliver(other, one, Buffer.from('answer'))
  }
  const [a, b] = await opened(t, async () => await Promise.all([open(here), open(there, router.peerOptions)]), async ([a, b]) => {
    t.comment(
      `${router.name}: two sessions ready after ${(performance.now() - started).toFixed(0)} ms, router version '${a.routerVersion}'`
    )
    await talk(a, b)
  })

  await t.test('session and LeaseSet', async t => {
    t.equal(a.state, 'ready')
    t.equal(b.state, 'ready')
    t.ok(a.leases.length > 0, 'the router named inbound tunnels')
    t.ok(a.stats.leaseSetsCreated > 0)
    t.ok(Math.abs(a.clockOffset) < 5_000, 'the router runs on this machine, so its clock is ours')
    t.notSame(a.destination.hash, b.destination.hash)
  })

  await t.test('messages of every size, both ways', async t => {
    for (const [index, size] of SIZES.entries()) {
      const there = await deliver(a, b, reproducibleBytes(size, 2 * index))
      const back = await deliver(b, a, reproducibleBytes(size, 2 * index + 1))
      t.comment(
        `${size} bytes: ${there.time.toFixed(1)} ms there, ${back.time.toFixed(1)} ms back, ${there.attempts + back.attempts} sent for 2`
      )
      t.equal(there.message.payload.length, size)
      t.equal(back.message.payload.length, size)
    }
    const tooLarge = Buffer.alloc(MAX_PAYLOAD + 1)
    t.throws(() => a.send(b.destination, tooLarge, { protocol: 18 }), { code: 'I2CP_PAYLOAD_TOO_LARGE' })
  })

  await t.test('protocols and ports', async t => {
    for (const [index, expected] of PORTS.entries()) {
      if (router.drops?.includes(expected.protocol) === true) continue
      const { message } = await deliver(a, b, reproducibleBytes(100, 1000 + index), expected)
      t.match(message, expected, JSON.stringify(expected))
    }
  })

  await t.test('look-ups', async t => {
    t.ok((await a.lookupHash(b.destination.hash, { timeout: 30_000 })).equals(b.destination), 'by hash')
    t.ok((await a.lookup(b.destination.b32, { timeout: 30_000 })).equals(b.destination), 'by .b32.i2p')
    t.ok((await a.lookup(b.destination.base64)).equals(b.destination), 'by base64')
    await t.rejects(a.lookupHash(reproducibleBytes(32, 99), { timeout: 20_000 }), I2cpError, 'a hash that nobody has')
    await t.rejects(a.lookup('no-such-name.i2p', { timeout: 20_000 }), I2cpError, 'a name that nobody has')
  })

  await t.test('Datagram2', async t => {
    const payload = reproducibleBytes(1_000, 77)
    const { message } = await deliver(a, b, encodeDatagram2(a.keys, b.destination.hash, payload), { protocol: 19 })
    t.equal(message.protocol, 19)
    const { from, payload: received } = decodeDatagram2(message.payload, b.destination.hash)
    t.ok(from.equals(a.destination))
    t.ok(received.equals(payload))
    t.throws(() => decodeDatagram2(message.payload, a.destination.hash), { code: 'I2CP_BAD_SIGNATURE' }, 'bound to its target')
  })

  await t.test('a third session beside the first, destroyed again', async t => {
    const [c] = await opened(t, async () => [await open(here)], async ([c]) => await talk(c, a))
    await deliver(c, a, reproducibleBytes(500, 300))
    await deliver(a, c, reproducibleBytes(500, 301))
    const closed = once(c, 'close')
    await c.close()
    t.same((await closed)[0], undefined, 'closed without an error')
    t.equal(c.state, 'closed')
    t.throws(() => c.send(a.destination, Buffer.of(1), { protocol: 18 }), { code: 'I2CP_SESSION_CLOSED' })
    a.send(c.destination, Buffer.of(1), { protocol: 18 }) // to nobody: must not harm what follows
    await deliver(a, b, reproducibleBytes(500, 302))
    t.equal(a.state, 'ready')
  })

  await t.test('the same keys again in a new session', async t => {
    const [second] = await opened(t, async () => {
      const keys = LocalDestination.generate()
      const first = await createSession({ connect: here, keys, options: router.options ?? {} })
      await first.close()
      const second = await createSession({ connect: here, keys, options: router.options ?? {} })
      t.ok(second.destination.equals(keys.destination))
      return [second]
    }, async ([second]) => await talk(second, b))
    await deliver(second, b, reproducibleBytes(64, 400))
    await deliver(b, second, reproducibleBytes(64, 401))
  })

  const { restart } = router
  if (restart === undefined) return
  await t.test('the router restarts', async t => {
    const states: string[] = []
    a.on('state', state => states.push(state))
    const destination = a.destination
    const restarted = performance.now()
    await restart()
    await isReadyAgain(a, states, router.returnTime ?? 120_000)
    t.comment(`ready again ${(performance.now() - restarted).toFixed(0)} ms after the restart began`)
    t.ok(states.includes('reconnecting'))
    t.ok(a.destination.equals(destination))
    await sleep(router.settle ?? 0)
    const patient = { ...router.exchange, attempts: 40 }
    const inbox = inboxes.get(b) as Inbox
    const { message } = await exchange(
      a, b.destination, inbox, { protocol: 18, fromPort: 5, toPort: 6, payload: reproducibleBytes(900, 500) }, patient
    )
    t.match(message, { fromPort: 5, toPort: 6 })
    // The peer's router may still use tunnels of before the restart: it learns the new ones from our messages. Not so above: of two
    // messages at once that nobody has answered i2pd since 2.55 takes the first.
    const before = (): void => { a.send(b.destination, Buffer.of(0), { protocol: 18 }) }
    await exchange(
      b, a.destination, inboxes.get(a) as Inbox, { protocol: 18, fromPort: 6, toPort: 5, payload: reproducibleBytes(900, 501) },
      { ...patient, before }
    )
  })
}

/** Routers remember a look-up that failed for minutes: then new Destinations are of more use than patience. */
const FRESH_STARTS = 3

/** Opens sessions that pass `works`, new ones if need be; they are closed with the test. Throws what the last ones failed with. */
async function opened<T extends [Session, ...Session[]]> (
  t: Test, open: () => Promise<T>, works: (sessions: T) => Promise<void>
): Promise<T> {
  for (let start = 1; ; start++) {
    const sessions = await open()
    const close = async (): Promise<unknown> => await Promise.all(sessions.map(session => session.close()))
    t.teardown(close)
    try {
      await works(sessions)
      return sessions
    } catch (error) {
      if (start === FRESH_STARTS) throw error
      t.comment(`new sessions, as these do not reach each other: ${(error as Error).message}`)
      await close()
    }
  }
}

async function isReadyAgain (session: Session, states: string[], timeout: number): Promise<void> {
  const deadline = performance.now() + timeout
  while (!(states.includes('reconnecting') && session.state === 'ready')) {
    if (performance.now() > deadline) {
      throw new Error(`not ready again within ${timeout} ms, state ${session.state}, saw ${states.join(' ')}`)
    }
    await sleep(100)
  }
}
