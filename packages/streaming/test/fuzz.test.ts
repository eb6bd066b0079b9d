import t from 'tap'
import { seedOf } from '@minwww/testkit'
import fc from 'fast-check'
import { equal, ok } from 'node:assert/strict'
import type { Connection } from '../src/core.ts'
import { World } from './support/world.ts'
import { drain } from './support/transfer.ts'

// A shared machine may be slow; nothing here waits for the clock of the wall.
t.setTimeout(180_000)

type Side = 'client' | 'server'
type Operation =
  | { type: 'write', side: Side, size: number }
  | { type: 'end' | 'reset' | 'abandon' | 'pause' | 'resume', side: Side }
  | { type: 'wait', ms: number }

interface Half {
  connection: Connection | undefined
  wanted: Buffer[]
  sent: Buffer[]
  received: Buffer[]
  reading: boolean
  ending: boolean
}

const HOUR = 3_600_000
const side = fc.constantFrom<Side>('client', 'server')
const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record(
      { type: fc.constant('write' as const), side, size: fc.constantFrom(1, 100, 1_730, 5_000, 60_000, 200_000) }
    )
  },
  { weight: 5, arbitrary: fc.record({ type: fc.constant('wait' as const), ms: fc.constantFrom(0, 1, 20, 200, 3_000, 30_000) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constantFrom('end' as const, 'pause' as const, 'resume' as const), side }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constantFrom('reset' as const, 'abandon' as const), side }) }
)
const network = fc.record({
  seed: fc.integer({ min: 1, max: 1_000_000 }),
  latency: fc.constantFrom(1, 50, 700),
  jitter: fc.constantFrom(0, 30),
  reorder: fc.boolean(),
  loss: fc.constantFrom(0, 0.02, 0.15),
  duplicate: fc.constantFrom(0, 0.1),
  bandwidth: fc.constantFrom(0, 64),
  queue: fc.constant(500)
})

/** Bytes that say where they belong. */
function pattern (length: number, offset: number): Buffer {
  const bytes = Buffer.alloc(length)
  for (let index = 0; index < length; index += 4) bytes.writeUInt8((offset + index) * 7 % 251, index)
  return bytes
}

class Play {
  readonly world: World
  readonly halves: Record<Side, Half> = { client: half(), server: half() }

  constructor (link: ConstructorParameters<typeof World>[0]) {
    this.world = new World(link, { client: { connectTimeout: -1, maxResends: 30 }, server: { maxResends: 30 } })
    for (const name of ['client', 'server'] as const) {
      this.world[name].onEvent = event => {
        if (!('connection' in event)) return
        const own = this.halves[name]
        if (event.type === 'accept') {
          ok(own.connection === undefined, 'one stream is accepted once')
          own.connection = event.connection
        }
        this.pump(name)
      }
    }
    this.halves.client.connection = this.world.connect(80)
  }

  run (operations: readonly Operation[]): void {
    for (const op of operations) {
      if (op.type === 'wait') this.world.run(op.ms)
      else this.apply(op)
      this.check()
    }
  }

  apply (op: Exclude<Operation, { type: 'wait' }>): void {
    const own = this.halves[op.side]
    switch (op.type) {
      case 'write':
        if (!own.ending) own.wanted.push(pattern(op.size, total(own.sent) + total(own.wanted)))
        break
      case 'end': own.ending = true; break
      case 'pause': own.reading = false; break
      case 'resume': own.reading = true; break
      case 'reset': own.connection?.reset(this.world.now); break
      case 'abandon': own.connection?.abandon(this.world.now); own.ending = true; own.wanted = []
    }
    this.pump(op.side)
  }

  pump (name: Side): void {
    const own = this.halves[name]
    const { connection } = own
    if (connection === undefined) return
    if (own.reading) own.received.push(...drain(this.world, connection))
    for (let head = own.wanted[0]; head !== undefined; head = own.wanted[0]) {
      const taken = connection.write(this.world.now, head)
      own.sent.push(head.subarray(0, taken))
      if (taken < head.length) {
        own.wanted[0] = head.subarray(taken)
        break
      }
      own.wanted.shift()
    }
    if (own.ending && own.wanted.length === 0) connection.end(this.world.now)
  }

  check (): void {
    for (const [from, to] of [['client', 'server'], ['server', 'client']] as const) {
      const sent = Buffer.concat(this.halves[from].sent)
      const received = Buffer.concat(this.halves[to].received)
      ok(received.length <= sent.length && sent.subarray(0, received.length)
        .equals(received), `what ${to} has is a prefix of what ${from} sent`)
    }
  }

  /** Everything reads and ends: then it must be over, and complete unless something failed. */
  finish (): void {
    for (const name of ['client', 'server'] as const) {
      Object.assign(this.halves[name], { reading: true, ending: true })
      this.pump(name)
    }
    this.world.run(5 * HOUR, () => this.over())
    for (const name of ['client', 'server'] as const) this.pump(name)
    this.check()
    equal(this.world.client.core.size + this.world.server.core.size, 0, 'no stream is left')
    equal(this.world.client.core.budget.used + this.world.server.core.budget.used, 0, 'nothing is left in the buffers')
  }

  complete (): boolean {
    return (['client', 'server'] as const).every(name => {
      const { connection } = this.halves[name]
      return connection === undefined || (connection.state.name === 'closed' && connection.state.error === undefined)
    })
  }

  over (): boolean {
    // An outbound stream without a reply has no deadline here; a server that never heard of it has no stream at all.
    return (['client', 'server'] as const).every(name => this.world[name].core.size === 0)
  }
}

function half (): Half { return { connection: undefined, wanted: [], sent: [], received: [], reading: true, ending: false } }
function total (chunks: readonly Buffer[]): number { return chunks.reduce((sum, chunk) => sum + chunk.length, 0) }

t.test('whatever both ends and the network do, what arrives is a prefix of what was sent', async t => {
  let complete = 0
  const runs = 120
  fc.assert(fc.property(network, fc.array(operation, { maxLength: 25, size: 'max' }), (link, operations) => {
    const play = new Play(link)
    play.run(operations)
    play.finish()
    const abnormal = operations.some(op => op.type === 'reset' || op.type === 'abandon')
    if (!play.complete()) return
    complete += 1
    if (abnormal) return
    for (const [from, to] of [['client', 'server'], ['server', 'client']] as const) {
      equal(total(play.halves[to].received), total(play.halves[from].sent), 'all of it, when nothing was reset')
    }
  }), { numRuns: runs, seed: seedOf(t, 77) })
  t.ok(complete > runs / 4, `${complete} of ${runs} plays ended in order`)
})
