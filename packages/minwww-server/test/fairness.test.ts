import { randomBytes } from 'node:crypto'
import { decodeMessage, encodeRate } from '@minwww/protocol'
import t from 'tap'
import { silentLogger } from '@minwww/ground'
import { EPOCH, VirtualClock } from '@minwww/testkit'
import { ServerCore, type ServerConfig } from '../src/core.ts'
import { CoreDriver } from '../src/exit/core-driver.ts'
import { limitedTo } from '../src/exit/create-core.ts'
import type { ServerEvent } from '../src/core.ts'
import { Bandwidth } from '../src/limits/bandwidth.ts'
import { Client, page, type World } from './core-harness.ts'
import { FakeSession } from './support/exit.ts'

const CONTAINER = 23

interface Browser {
  client: Client
  /** Requests that it keeps under way, their size and the symbols that it allows. */
  parallel: number
  size: number
  shape: number
  bytes: number
  answered: number
  nextId: number
  /** Symbols missing, by request. */
  open: Map<number, number>
}

/** The real core behind the real limits, in virtual time, with clients that ask for the next page when one is whole. */
function exitWithClients (out: number, config: Partial<ServerConfig> = {}) {
  const clock = new VirtualClock(EPOCH)
  const session = new FakeSession()
  const bandwidth = new Bandwidth({ out }, clock)
  const settings = { ...limitedTo(out), maxFetchesPerSession: 1_000, ...config }
  const core = new ServerCore({ keys: session.keys, random: randomBytes, config: settings, now: clock.now() })
  const browsers = new Map<string, Browser>()
  const pages = new Map<number, Buffer>()
  let total = 0
  const driver = new CoreDriver({
    core,
    session,
    clock,
    logger: silentLogger,
    pacer: bandwidth,
    onEvent: (event: ServerEvent) => {
      if (event.type !== 'fetch') return
      const size = browsers.get(event.from.b32)?.size ?? 0
      const body = pages.get(size) ?? page(size)
      pages.set(size, body)
      queueMicrotask(() => driver.act((core, now) => core.respond(now, event.handle, body, 'whole')))
    }
  })
  const world = {
    keys: session.keys,
    get now () { return clock.now() },
    receive: (protocol: number, payload: Buffer) => session.emit('message', { protocol, fromPort: 4480, toPort: 80, payload })
  } as unknown as World
  const ask = (browser: Browser) => {
    const id = browser.nextId++
    browser.open.set(id, -1)
    const facts = { loss: 0, rate: encodeRate(1e6), shape: browser.shape }
    if (id === 1) browser.client.open(id, facts)
    else browser.client.request(id, facts)
  }
  session.send = (to: { b32: string }, payload: Uint8Array) => {
    const browser = browsers.get(to.b32)
    if (browser === undefined) return
    total += payload.length + CONTAINER
    browser.bytes += payload.length + CONTAINER
    const message = decodeMessage(payload, browser.client.session.server)
    if (message.type !== 'reply') return
    const missing = browser.open.get(message.id)
    if (missing === undefined) return
    const left = (missing === -1 ? Math.ceil(message.size / message.symbol.length) : missing) - 1
    browser.open.set(message.id, left)
    if (left > 0) return
    browser.open.delete(message.id)
    browser.answered++
    queueMicrotask(() => ask(browser))
  }
  return {
    clock,
    core,
    browsers,
    get total () { return total },
    add (name: string, parallel: number, size: number, shape: number) {
      const browser: Browser = { client: new Client(world, name), parallel, size, shape, bytes: 0, answered: 0, nextId: 1, open: new Map() }
      browsers.set(browser.client.keys.destination.b32, browser)
      ask(browser)
      return browser
    },
    async run (milliseconds: number) {
      for (let passed = 0; passed < milliseconds; passed += 20) {
        clock.advance(20)
        await Promise.resolve()
        for (const browser of browsers.values()) {
          while (browser.answered > 0 && browser.open.size < browser.parallel) ask(browser)
        }
        if (passed % 1_000 === 0) await new Promise(resolve => setImmediate(resolve))
      }
    },
    close () {
      driver.close()
      bandwidth.close()
    }
  }
}

t.test('64 KB/s for 20 clients, one of them greedy: the figure is kept, the shares are fair', async t => {
  const out = 65_536
  const exit = exitWithClients(out)
  const honest = Array.from({ length: 19 }, (_, index) => exit.add(`honest ${index}`, 2, 20_000, 8))
  const greedy = exit.add('greedy', 40, 20_000, 8)
  await exit.run(20_000) // everybody is known and asks all the time
  const before = { total: exit.total, greedy: greedy.bytes, honest: honest.map(browser => browser.bytes) }
  await exit.run(60_000)
  const total = exit.total - before.total
  t.ok(Math.abs(total / (out * 60) - 1) < 0.02, `${Math.round(total / 60)} B/s of ${out}`)
  const share = total / 20
  const shares = honest.map((browser, index) => (browser.bytes - (before.honest[index] ?? 0)) / share)
  const [least, most] = [Math.min(...shares), Math.max(...shares)]
  t.ok(least > 0.8 && most < 1.2, `honest ${least.toFixed(2)} to ${most.toFixed(2)} of a share`)
  t.ok((greedy.bytes - before.greedy) / share < 1.2, `greedy ${((greedy.bytes - before.greedy) / share).toFixed(2)}`)
  exit.close()
})

t.test('the figure is kept whatever the size of the messages', async t => {
  const out = 32_768
  const exit = exitWithClients(out)
  for (const [index, shape] of [1, 2, 4, 8, 61].entries()) exit.add(`client ${index}`, 4, 50_000, shape)
  await exit.run(10_000)
  const before = exit.total
  await exit.run(60_000)
  const total = exit.total - before
  t.ok(Math.abs(total / (out * 60) - 1) < 0.02, `${Math.round(total / 60)} B/s of ${out}`)
  exit.close()
})

t.test('the shares are fair in bytes, whatever the size of the messages', async t => {
  const out = 131_072
  const exit = exitWithClients(out)
  const shapes = [1, 2, 4, 8, 61]
  const browsers = [...shapes, ...shapes].map((shape, index) => exit.add(`mixed ${index}`, 4, 100_000, shape))
  await exit.run(20_000)
  const before = browsers.map(browser => browser.bytes)
  await exit.run(120_000)
  const bytes = browsers.map((browser, index) => browser.bytes - before[index]!)
  const share = bytes.reduce((sum, value) => sum + value, 0) / browsers.length
  const shares = bytes.map(value => value / share)
  t.comment(`shares with symbols of ${shapes.join(', ')} tunnel messages: ${shares.map(value => value.toFixed(2)).join(' ')}`)
  t.ok(Math.min(...shares) > 0.8 && Math.max(...shares) < 1.2)
  exit.close()
})
