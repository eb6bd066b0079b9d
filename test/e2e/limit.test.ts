import t, { type Test } from 'tap'
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createSession } from '@minwww/i2cp'
import { decodeMessage, encodeRate } from '@minwww/protocol'
import { Client, type World } from '../../packages/minwww-server/test/core-harness.ts'
import { fetchPage, freePort, startService } from './harness.ts'

/** The limit under test, bytes/s, and for how long it is measured, ms. */
const LIMIT = 64 * 1024
const DURATION = 60_000
const CLIENTS = 20
/** Requests of an honest client at a time: so many that the exit always has something to send to it; and of the greedy one. */
const PARALLEL = 2
const GREEDY = 40
const BODY = 8 * 1024
/** A client that was refused asks again after so many ms, whatever the exit has told it; and one that got nothing. */
const RETRY = 1_000
const PATIENCE = 60_000
/** What is around a payload, bytes. */
const CONTAINER = 23

interface Browser { bytes: number, answered: number, refused: number, close: () => Promise<void> }

/** Keeps so many requests under way, takes as fast a reply as there can be, and counts what comes. */
async function browse (name: string, parallel: number, router: string, exit: string): Promise<Browser> {
  const [host = '', port] = router.split(':')
  const counts = { bytes: 0, answered: 0, refused: 0 }
  const open = new Map<number, { missing: number, timer: NodeJS.Timeout }>()
  const world = { keys: {}, get now () { return Date.now() }, receive: (_protocol: number, _payload: Buffer) => {} }
  const client = new Client(world as unknown as World, name)
  const session = await createSession({ router: { host, port: Number(port) }, keys: client.keys })
  const target = await session.lookup(exit)
  world.keys = { destination: target }
  world.receive = (protocol, payload) => session.send(target, payload, { protocol, fromPort: 4480, toPort: 80 })
  let nextId = 1
  const ask = (): void => {
    const id = nextId++
    const facts = { loss: 0, rate: encodeRate(1e6), shape: 8 }
    open.set(id, { missing: -1, timer: setTimeout(() => { open.delete(id); ask() }, PATIENCE) })
    if (id === 1) client.open(id, facts)
    else client.request(id, facts)
  }
  const done = (id: number): void => {
    clearTimeout(open.get(id)?.timer)
    open.delete(id)
  }
  session.on('message', ({ payload }) => {
    counts.bytes += payload.length + CONTAINER
    const message = decodeMessage(payload, client.session.server)
    const request = open.get(message.id)
    if (request === undefined) return
    if (message.type === 'error') {
      counts.refused++
      clearTimeout(request.timer)
      request.timer = setTimeout(() => { open.delete(message.id); ask() }, RETRY)
    } else if (message.type === 'reply') {
      request.missing = (request.missing === -1 ? Math.ceil(message.size / message.symbol.length) : request.missing) - 1
      if (request.missing > 0) return
      done(message.id)
      if (counts.answered++ === 0) for (let count = 1; count < parallel; count++) ask()
      ask()
    }
  })
  ask()
  const close = async (): Promise<void> => {
    for (const id of [...open.keys()]) done(id)
    await session.close()
  }
  return Object.assign(counts, { close })
}

async function startSite (t: Test): Promise<string> {
  const body = randomBytes(BODY)
  const site = createServer((_request, response) => { response.end(body) })
  await new Promise<void>(resolve => site.listen(0, '127.0.0.1', resolve))
  t.teardown(() => { site.closeAllConnections(); site.close() })
  return `http://127.0.0.1:${(site.address() as AddressInfo).port}`
}

t.test('--limit-out 64 is 64 KB/s over a minute, shared alike by 20 clients of which one is greedy', async t => {
  const origin = await startSite(t)
  const router = await startService(t, ['router', '--i2cp', '127.0.0.1:0', '--latency', '20'])
  const console = `127.0.0.1:${await freePort()}`
  const exit = await startService(
    t, ['exit', '--router', router.json.i2cp, '--site', `site.i2p=${origin}`, '--limit-out', '64', '--console', console]
  )
  const browsers = await Promise.all(Array.from({ length: CLIENTS }, async (_, index) =>
    await browse(`client ${index}`, index === 0 ? GREEDY : PARALLEL, router.json.i2cp as string, exit.json.b32 as string)))
  const sent = async (): Promise<{ now: number, out: number }> => {
    const state = JSON.parse((await fetchPage(`http://${console}/state`)).body.toString()) as { now: number, totals: { out: number } }
    return { now: state.now, out: state.totals.out }
  }
  // What may leave at once after a rest is no part of the rate, and all must be known.
  const deadline = performance.now() + 30_000
  do await new Promise(resolve => setTimeout(resolve, 3_000))
  while (browsers.some(({ answered }) => answered < PARALLEL) && performance.now() < deadline)
  const first = await sent()
  const before = browsers.map(({ bytes }) => bytes)
  await new Promise(resolve => setTimeout(resolve, DURATION))
  const last = await sent()
  const bytes = browsers.map((browser, index) => browser.bytes - before[index]!)
  for (const browser of browsers) await browser.close()

  const rate = (last.out - first.out) / ((last.now - first.now) / 1_000)
  t.ok(Math.abs(rate / LIMIT - 1) <= 0.02, `${(rate / 1024).toFixed(2)} KB/s in ${((last.now - first.now) / 1_000).toFixed(1)} s`)
  const fair = bytes.reduce((sum, share) => sum + share) / CLIENTS
  const [greedy = 0, ...honest] = bytes.map(share => share / fair)
  t.ok(Math.min(...honest) >= 0.8 && Math.max(...honest) <= 1.2,
    `honest clients got ${Math.min(...honest).toFixed(2)} to ${Math.max(...honest).toFixed(2)} of a fair share`)
  t.ok(greedy <= 1.2, `the greedy one got ${greedy.toFixed(2)}`)
  t.equal(browsers.slice(1).reduce((sum, { refused }) => sum + refused, 0), 0, 'none of the honest was refused anything')
  t.comment(`${(rate / 1024).toFixed(2)} KB/s; shares: greedy ${greedy.toFixed(2)} and ${browsers[0]!.refused} refusals, others ` +
    `${honest.map(share => share.toFixed(2)).join(' ')}`)
})
