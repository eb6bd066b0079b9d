import fc from 'fast-check'
import t from 'tap'
import { LocalDestination } from '@minwww/i2cp/codec'
import type { Destination } from '@minwww/i2cp/codec'
import { LayeredCore, StreamingCore } from '@minwww/streaming/core'
import type { Connection, Incoming, Outgoing } from '@minwww/streaming/core'
import { SeededRandom, seedOf } from '@minwww/testkit'
import { PARITY_PAYLOAD, ParityCore } from '../src/parity/index.ts'

// A shared machine may be slow; nothing here waits for the clock of the wall.
t.setTimeout(180_000)

const HOUR = 3_600_000
const PORT = 80

interface Path {
  seed: number
  /** ms. */
  latency: number
  jitter: number
  /** Of each message, 0..1. */
  loss: number
  duplicate: number
  /** A damaged or older message besides, 0..1. */
  forged: number
  clientHas: boolean
  exitHas: boolean
}

interface Flight { at: number, to: End, message: Incoming }

class End {
  readonly keys: LocalDestination
  readonly core: StreamingCore
  readonly parity: ParityCore<Destination> | undefined
  readonly wire: LayeredCore
  readonly received = new Map<Connection, Buffer[]>()
  readonly unsent = new Map<Connection, Buffer>()

  constructor (random: SeededRandom, hasParity: boolean) {
    this.keys = LocalDestination.generate(random.bytes)
    this.core = new StreamingCore({ keys: this.keys, random: random.bytes, options: { connectTimeout: -1, maxResends: 50 } })
    this.parity = hasParity ? new ParityCore<Destination>({ random: random.bytes }) : undefined
    this.wire = new LayeredCore(this.core, this.parity)
  }
}

/** Streams between a client and an exit, over a path that loses, repeats, reorders and forges. */
class Play {
  now = 1_000_000_000_000
  readonly client: End
  readonly exit: End
  readonly #path: Path
  readonly #random: SeededRandom
  readonly #flights: Flight[] = []
  /** What an attacker has: messages of before, and what it makes of them. */
  readonly #seen: Incoming[] = []

  constructor (path: Path) {
    this.#path = path
    this.#random = new SeededRandom(path.seed)
    this.client = new End(this.#random, path.clientHas)
    this.exit = new End(this.#random, path.exitHas)
    this.exit.core.listen()
  }

  open (data: Buffer): Connection {
    const { destination } = this.exit.keys
    this.client.parity?.offer(destination, 0.1)
    const connection = this.client.core.connect(this.now, { destination, port: PORT, options: { maxMessageSize: PARITY_PAYLOAD } })
    this.write(this.client, connection, data)
    return connection
  }

  write (end: End, connection: Connection, data: Buffer): void {
    end.unsent.set(connection, data)
    this.#pump(end, connection)
  }

  run (isDone: () => boolean): boolean {
    const until = this.now + HOUR
    this.#settle()
    while (!isDone()) {
      const next = Math.min(
        ...[this.client, this.exit].map(({ wire }) => wire.nextTimeout() ?? Infinity), ...this.#flights.map(({ at }) => at)
      )
      if (next > until) return false
      this.now = Math.max(this.now, next)
      for (const flight of this.#flights.filter(({ at }) => at <= this.now)) {
        this.#flights.splice(this.#flights.indexOf(flight), 1)
        flight.to.wire.receive(this.now, flight.message)
      }
      for (const { wire } of [this.client, this.exit]) if ((wire.nextTimeout() ?? Infinity) <= this.now) wire.handleTimeout(this.now)
      this.#settle()
    }
    return true
  }

  #settle (): void {
    for (const end of [this.client, this.exit]) {
      for (let rounds = 0; rounds < 10_000; rounds++) {
        const event = end.core.pollEvent()
        if (event !== undefined && 'connection' in event) this.#read(end, event.connection, event.type === 'accept')
        const message = end.wire.pollTransmit(this.now)
        if (message !== undefined) this.#send(end === this.client ? this.exit : this.client, message)
        if (event === undefined && message === undefined) break
      }
    }
  }

  #read (end: End, connection: Connection, isNew: boolean): void {
    // The exit sends back as much as it will get.
    if (isNew) end.unsent.set(connection, pattern(200_000, 9))
    const chunks = end.received.get(connection) ?? []
    for (let chunk = connection.read(this.now); chunk !== undefined; chunk = connection.read(this.now)) chunks.push(Buffer.from(chunk))
    end.received.set(connection, chunks)
    this.#pump(end, connection)
  }

  #pump (end: End, connection: Connection): void {
    const data = end.unsent.get(connection)
    if (data === undefined) return
    const rest = data.subarray(connection.write(this.now, data))
    end.unsent.set(connection, rest)
    if (rest.length > 0) return
    end.unsent.delete(connection)
    connection.end(this.now)
  }

  #send (to: End, { protocol, fromPort, toPort, payload }: Outgoing): void {
    const { loss, duplicate, forged } = this.#path
    const message = { protocol, fromPort, toPort, payload: Buffer.from(payload) }
    if (this.#random.number() >= loss) this.#fly(to, message)
    if (this.#random.number() < duplicate) this.#fly(to, message)
    if (protocol !== 18) return
    this.#seen.push(message)
    if (this.#random.number() >= forged) return
    const old = this.#random.pick(this.#seen)
    const bytes = Buffer.from(old.payload)
    if (this.#random.chance(2)) bytes[this.#random.below(bytes.length)]! ^= 1 + this.#random.below(255)
    this.#fly(to, { ...old, payload: bytes })
  }

  #fly (to: End, message: Incoming): void {
    const { latency, jitter } = this.#path
    this.#flights.push({ at: this.now + latency + this.#random.number() * jitter, to, message })
  }
}

function pattern (length: number, seed: number): Buffer {
  return Buffer.from(new SeededRandom(seed).bytes(length))
}

const path = fc.record<Path>({
  seed: fc.integer({ min: 1, max: 1_000_000 }),
  latency: fc.constantFrom(1, 50, 700),
  jitter: fc.constantFrom(0, 30, 400),
  loss: fc.constantFrom(0, 0.02, 0.15, 0.3),
  duplicate: fc.constantFrom(0, 0.1),
  forged: fc.constantFrom(0, 0.5),
  clientHas: fc.boolean(),
  exitHas: fc.boolean()
})

t.test('property: every byte arrives in order, whatever the path and an attacker do, with parity at one end, both or none', async t => {
  const sizes = fc.array(fc.constantFrom(0, 1, 1_700, 5_000, 60_000), { minLength: 1, maxLength: 3 })
  let rebuilt = 0
  fc.assert(fc.property(path, sizes, (conditions, lengths) => {
    const play = new Play(conditions)
    const uploads = lengths.map((length, i) => pattern(length, i))
    const connections = uploads.map(data => play.open(data))
    const isClosed = ({ state }: Connection): boolean => state.name === 'closed'
    const done = play.run(() => connections.every(isClosed) && [...play.exit.received.keys()].every(isClosed))
    if (!done) throw new Error('streams did not end')
    for (const connection of connections) {
      if (connection.state.name === 'closed' && connection.state.error !== undefined) throw connection.state.error
      if (!Buffer.concat(play.client.received.get(connection)!).equals(pattern(200_000, 9))) throw new Error('a wrong download')
    }
    const up = [...play.exit.received.values()].map(chunks => Buffer.concat(chunks).toString('hex')).sort()
    if (up.join() !== uploads.map(data => data.toString('hex')).sort().join()) throw new Error('wrong uploads')
    rebuilt += (play.client.parity?.statistics.rebuilt ?? 0) + (play.exit.parity?.statistics.rebuilt ?? 0)
    // A client that says no HELLO is sent none.
    if (!conditions.clientHas && (play.exit.parity?.statistics.sent ?? 0) > 0) throw new Error('parity for nobody')
  }), { seed: seedOf(t, 71), numRuns: 60 })
  t.ok(rebuilt > 100, `${rebuilt} packets rebuilt`)
})

t.test('the window of a stream hears of what was repaired', async t => {
  const repairs = (loss: number): number => {
    const play = new Play({ seed: 3, latency: 50, jitter: 0, loss, duplicate: 0, forged: 0, clientHas: true, exitHas: true })
    const connection = play.open(pattern(60_000, 1))
    play.run(() => connection.state.name === 'closed')
    return play.client.parity!.statistics.rebuilt
  }
  t.ok(repairs(0.05) > 0)
  t.equal(repairs(0), 0)
})
