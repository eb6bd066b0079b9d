// The first bytes of a page that is still arriving, both real cores in virtual time.
import type { ClientEvent } from '@minwww/client/core'
import { LocalDestination } from '@minwww/i2cp/codec'
import { NetworkModel } from '@minwww/local-router/network'
import t from 'tap'
import { pageRequest } from '../src/grid/http.ts'
import { ClientNode, ExitNode } from '../src/grid/nodes.ts'
import { SeededRandom } from '../src/grid/random.ts'
import { World, type WorldMessage } from '../src/grid/world.ts'

const LATENCY = 250
/** Bytes of the first symbol. */
const SYMBOL = 8_192

interface Times { first: number, whole: number }

/** A page through fresh cores whose probe has come back, ms. */
function load (size: number, mayArrive: boolean, options: { bandwidth?: number, loss?: number, seed?: number }): Times {
  const { seed = 1, ...path } = options
  const random = new SeededRandom(seed)
  const world = new World(new NetworkModel<WorldMessage>({ latency: LATENCY, seed, ...path }))
  const exitKeys = LocalDestination.generate(random.bytes)
  const events: Array<{ at: number, event: ClientEvent }> = []
  const exit = new ExitNode({ world, keys: exitKeys, random: random.bytes })
  const client = new ClientNode({
    keys: [LocalDestination.generate(random.bytes)],
    random: random.bytes,
    config: { handOn: 'any' },
    onEvent: event => { events.push({ at: world.now, event }) }
  })
  world.add(client)
  world.add(exit)
  client.core.addExit(world.now, { id: 'exit', destination: exitKeys.destination })
  world.run(() => client.core.exits(world.now)[0]!.state === 'ready', world.now + 60_000)
  const started = world.now
  client.core.request(started, { message: pageRequest(size), site: 'a.i2p', idempotent: true, mayArrive })
  const done = (): { at: number } | undefined => events.find(({ event }) => event.type === 'response')
  world.run(() => done() !== undefined, started + 60_000)
  const parts = events.flatMap(({ event }) => event.type === 'part' ? [event.bytes] : [])
  if (parts.length > 0) t.equal(Buffer.concat(parts).includes(exit.page(size).subarray(-1_000)), true, 'the parts are the page')
  const whole = done()!.at - started
  return { first: (events.find(({ event }) => event.type === 'part')?.at ?? Infinity) - started, whole }
}

t.test('128 KB at 250 ms: the first bytes within 1.15 round trips, the whole no later than without them', t => {
  const paths: Array<{ bandwidth?: number, loss?: number }> = [{}, { bandwidth: 131_072 }, { bandwidth: 65_536 }, { loss: 0.01 }]
  for (const options of paths) {
    const size = 125_000
    const parts = load(size, true, options)
    const plain = load(size, false, options)
    t.comment(JSON.stringify(options), Math.round(parts.first), Math.round(parts.whole), Math.round(plain.whole))
    // The first symbol has to come through the bottleneck.
    const bottleneck = SYMBOL * 1_000 / (options.bandwidth ?? Infinity)
    t.ok(parts.first <= 1.15 * 2 * LATENCY + bottleneck, `${parts.first} ms`)
    t.equal(parts.whole, plain.whole)
  }
  t.end()
})
