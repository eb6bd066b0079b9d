import type { ClientEvent } from '@minwww/client/core'
import { LocalDestination } from '@minwww/i2cp/codec'
import { decodeMessage, encodeRequestHead, peekPrefix, SYMBOL_OVERHEAD } from '@minwww/protocol'
import fc from 'fast-check'
import t from 'tap'
import { seedOf } from '@minwww/testkit'
import { ClientNode, ExitNode } from '../src/grid/nodes.ts'
import { SeededRandom } from '../src/grid/random.ts'
import { World } from '../src/grid/world.ts'
import type { WorldMessage } from '../src/grid/world.ts'
import { ChaosNetwork } from './grid-chaos.ts'
import type { ChaosOptions } from './grid-chaos.ts'

const RUNS = 40
const REPLY_TYPE = 4
const TUNNEL_MESSAGE = 996
/** Tunnel messages that a reply may take however small it is: one of two tunnel messages, three times. */
const SMALL_REPLY = 6

interface Plan { size: number, idempotent: boolean, upload: number, at: number }

/** Client, exits and a network without mercy; everything that must hold is checked on the way. */
class Scene {
  readonly world: World
  readonly exits: ExitNode[]
  readonly outcomes = new Map<number, ClientEvent[]>()
  /**
   * Symbol bytes sent, the size announced, and the most that three times that is in whole symbols, by session and id. One symbol's
   * length is fixed unless it shrinks.
   */
  readonly replies = new Map<string, { bytes: number, size: number, most: number }>()
  readonly client: ClientNode

  constructor (seed: number, options: ChaosOptions, exits: number) {
    const random = new SeededRandom(seed)
    this.world = new World(new ChaosNetwork(random, options, (from, data) => this.#onSend(from, data)))
    const exitKeys = Array.from({ length: exits }, () => LocalDestination.generate(random.bytes))
    this.exits = exitKeys.map(
      keys => new ExitNode({ world: this.world, keys, random: random.bytes, fetchTime: () => random.number() * 300 })
    )
    this.client = new ClientNode({
      keys: [LocalDestination.generate(random.bytes), LocalDestination.generate(random.bytes)],
      random: random.bytes,
      onEvent: event => {
        if (event.type === 'exit-state') return
        this.outcomes.set(event.handle, [...this.outcomes.get(event.handle) ?? [], event])
      }
    })
    this.world.add(this.client)
    this.exits.forEach((exit, index) => {
      this.world.add(exit)
      this.client.core.addExit(this.world.now, { id: `exit${index}`, destination: exitKeys[index]!.destination })
    })
  }

  request (index: number, { size, idempotent, upload }: Plan): number {
    const message = encodeRequestHead({
      method: idempotent ? 'GET' : 'POST',
      url: `http://site.i2p/page/${size}/${index}`,
      headers: upload > 0 ? [['content-length', String(upload)]] : [],
      body: new SeededRandom(index).bytes(upload)
    })
    return this.client.core.request(this.world.now, { message, site: 'site.i2p', idempotent })
  }

  #onSend (from: string, { payload }: WorldMessage): void {
    const prefix = peekPrefix(payload)
    if (prefix === undefined || (payload[0]! & 0x0f) !== REPLY_TYPE || !this.exits.some(exit => exit.addresses.includes(from))) return
    const key = `${prefix.session.toString('hex')} ${prefix.id}`
    // Its upper bits say which part of a reply it is.
    const size = payload.readUIntBE(14, 3) % (1 << 20)
    const symbol = payload.length - SYMBOL_OVERHEAD
    const { bytes, most } = this.replies.get(key) ?? { bytes: 0, most: SMALL_REPLY * TUNNEL_MESSAGE }
    this.replies.set(key, { bytes: bytes + symbol, size, most: Math.max(most, 3 * Math.ceil(size / symbol) * symbol) })
  }
}

const plan = fc.record({
  size: fc.oneof(fc.integer({ min: 300, max: 3_000 }), fc.integer({ min: 3_000, max: 130_000 })),
  idempotent: fc.boolean(),
  upload: fc.oneof({ arbitrary: fc.constant(0), weight: 3 }, fc.integer({ min: 1, max: 30_000 })),
  at: fc.integer({ min: 0, max: 5_000 })
})

const plans = fc.array(plan, { minLength: 1, maxLength: 8 })

const chaos = fc.record({
  loss: fc.double({ min: 0, max: 0.5, noNaN: true }),
  duplicate: fc.double({ min: 0, max: 0.5, noNaN: true }),
  delay: fc.integer({ min: 0, max: 3_000 }),
  corrupt: fc.double({ min: 0, max: 0.2, noNaN: true }),
  replay: fc.double({ min: 0, max: 0.5, noNaN: true })
})

t.test('whatever the network does: the right page or none, one fetch of what is not idempotent, bounded bytes', async t => {
  let delivered = 0
  fc.assert(fc.property(fc.integer(), chaos, plans, fc.integer({ min: 1, max: 3 }), (seed, options, plans, exits) => {
    const scene = new Scene(seed, options, exits)
    const handles = new Map<number, Plan>()
    plans.forEach((plan, index) => scene.world.at(scene.world.now + plan.at, () => { handles.set(scene.request(index, plan), plan) }))
    // An exit that says that it works is waited for: five minutes.
    scene.world.runUntil(scene.world.now + 400_000)

    for (const [handle, { size }] of handles) {
      const events = scene.outcomes.get(handle) ?? []
      if (events.length !== 1) throw new Error(`${events.length} outcomes`)
      const [event] = events
      if (event?.type !== 'response') continue
      delivered++
      const exit = scene.exits[Number(event.exit.slice(4))]!
      if (!event.message.equals(exit.page(size))) throw new Error('a wrong page')
    }
    plans.forEach(({ idempotent, size }, index) => {
      const fetches = scene.exits.reduce((sum, exit) => sum + (exit.fetched.get(`/page/${size}/${index}`) ?? 0), 0)
      if (!idempotent && fetches > 1) throw new Error(`${fetches} fetches of a POST`)
    })
    for (const { bytes, size, most } of scene.replies.values()) {
      // Size as it travels: whole symbols, and those fill their tunnel messages.
      if (bytes > most) throw new Error(`${bytes} bytes for a reply of ${size}`)
    }
    if (scene.client.core.nextTimeout() !== undefined) throw new Error('something is left over')
  }), { numRuns: RUNS, seed: seedOf(t, 20) })
  t.ok(delivered > RUNS, `${delivered} pages delivered`)
})

t.test('a client of an exit that forges is not harmed', async t => {
  fc.assert(fc.property(fc.integer(), fc.infiniteStream(fc.nat(255)), (seed, noise) => {
    const scene = new Scene(seed, { loss: 0, duplicate: 0, delay: 10, corrupt: 0, replay: 0 }, 1)
    const handle = scene.request(0, { size: 5_000, idempotent: true, upload: 0, at: 0 })
    for (let i = 0; i < 30; i++) {
      const payload = Buffer.from(Array.from({ length: 60 }, () => noise.next().value as number))
      payload[0] = 0x10 | payload[0]! % 9
      scene.client.core.receive(scene.world.now, 0, { protocol: 18, fromPort: 80, toPort: 4480, payload })
    }
    scene.world.runUntil(scene.world.now + 60_000)
    const [event] = scene.outcomes.get(handle) ?? []
    if (event?.type !== 'response') throw new Error('no page')
  }), { numRuns: 20, seed: seedOf(t, 3) })
  t.throws(() => decodeMessage(Buffer.alloc(30), Buffer.alloc(32)), 'and such a message has no valid tag')
})
