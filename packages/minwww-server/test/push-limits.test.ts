// A whole exit that pushes, in virtual time, with a site on this machine: it keeps to what its operator allows, and says what it did.
import { createServer } from 'node:http'
import { CONTAINER, decodeMessage, encodeObject, encodeRate, encodeRequestHead, PUSH_IDS } from '@minwww/protocol'
import { seeded } from '@minwww/testkit'
import t, { type Test } from 'tap'
import type { ExitOptions } from '../src/index.ts'
import { Client, type World } from './core-harness.ts'
import { exitBefore } from './support/whole-exit.ts'

const KB = 1024
const STEP = 20
const PICTURES = 12
const PICTURE = 8 * KB
const DOCUMENT = 20 * KB
/** ms that the site and the exit may take for what is to be done within a step. */
const PATIENCE = 10_000

interface Visit { client: Client, nextId: number, missing: Map<number, number>, pausesUntil: number }

/** `visitors` load page after page, each its next one when the last is whole; they use nothing of what comes with it. */
async function open (t: Test, visitors: number, options: Partial<ExitOptions>) {
  const body = seeded('site')(64 * KB)
  const site = createServer(({ url = '/' }, response) => {
    const isPicture = url.includes('.png')
    const tags = Array.from({ length: PICTURES }, (_, index) => `<img src="${url}-${index}.png">`).join('')
    const filler = `<!--${body.toString('base64').slice(0, DOCUMENT)}-->`
    response.writeHead(200, { 'Content-Type': isPicture ? 'image/png' : 'text/html', 'Cache-Control': 'no-store' })
      .end(isPicture ? body.subarray(0, PICTURE) : `<!doctype html>${tags}${filler}`)
  })
  const { exit, clock, session } = await exitBefore(t, site, options)
  const visits = new Map<string, Visit>()
  let sent = 0
  let asked = 0
  let whole = 0
  const world = {
    keys: session.keys,
    get now () { return clock.now() },
    receive: (protocol: number, payload: Buffer) => {
      asked += payload.length + CONTAINER
      session.emit('message', { protocol, fromPort: 4480, toPort: 80, payload })
    }
  } as unknown as World
  const ask = (visit: Visit, path?: string): void => {
    const id = visit.nextId++
    const url = `http://site.i2p/${path ?? id}`
    const object = encodeObject(encodeRequestHead({ method: 'GET', url, headers: [['Host', 'site.i2p']] }), { kind: 'request' })
    const facts = { loss: 0, rate: encodeRate(1e6), push: { budget: encodeRate(2e6), digest: Buffer.alloc(0) }, object }
    visit.missing.set(id, Infinity)
    if (id === 1) visit.client.open(id, facts)
    else visit.client.request(id, facts)
  }
  session.send = (to, payload) => {
    sent += payload.length + CONTAINER
    const visit = visits.get(to.b32)!
    const message = decodeMessage(payload, visit.client.session.server)
    const missing = visit.missing.get(message.id)
    if (missing === undefined || (message.type !== 'reply' && message.type !== 'error')) return
    const left = message.type === 'error' ? 0 : Math.min(missing, Math.ceil(message.size / message.symbol.length)) - 1
    visit.missing.set(message.id, left)
    if (left > 0) return
    visit.missing.delete(message.id)
    if (message.type === 'reply') whole++
    else visit.pausesUntil = clock.now() + 1_000 * message.retryAfter
  }
  for (let index = 0; index < visitors; index++) {
    const visit = { client: new Client(world, `visitor ${index}`), nextId: 1, missing: new Map<number, number>(), pausesUntil: 0 }
    visits.set(visit.client.keys.destination.b32, visit)
  }
  return {
    exit,
    visits: [...visits.values()],
    ask,
    get sent () { return sent },
    get asked () { return asked },
    get pages () { return whole },
    /** Lets time pass; what the site and the exit do takes none. */
    async run (milliseconds: number, isBrowsing = true): Promise<void> {
      for (let passed = 0; passed < milliseconds; passed += STEP) {
        clock.advance(STEP)
        for (const visit of visits.values()) if (isBrowsing && visit.missing.size === 0 && visit.pausesUntil <= clock.now()) ask(visit)
        const deadline = performance.now() + PATIENCE
        do await new Promise(resolve => setImmediate(resolve)); while (exit.stats.running > 0 && performance.now() < deadline)
      }
    }
  }
}

t.test('the limit holds within 2 % over 30 s, whatever is pushed', async t => {
  for (const out of [64 * KB, 128 * KB]) {
    const world = await open(t, 4, { bandwidth: { out } })
    await world.run(5_000)
    const { sent, exit: { stats: { pushes: { bytes } } } } = world
    await world.run(30_000)
    const share = (world.sent - sent) / (30 * out)
    const pushed = (world.exit.stats.pushes.bytes - bytes) / (30 * out)
    t.comment(`${out / KB} KB/s: ${share.toFixed(4)} of the limit, ${pushed.toFixed(2)} of it pushed; ${world.pages} pages`)
    t.ok(share <= 1.02, `${out}: ${share}`)
    t.ok(share >= 0.95, `${out}: ${share}, there is enough to be sent`)
    t.ok(pushed > 0.2 && pushed <= 0.5 * 1.1, `${out}: ${pushed} is pushed`)
  }
})

t.test('a quota holds: what would go beyond it is neither pushed nor fetched', async t => {
  for (const [quota, out] of [[1_000 * KB, 0], [1_500 * KB, 0], [1_500 * KB, 64 * KB]] as const) {
    const world = await open(t, 4, { bandwidth: { quotaDay: quota, out } })
    await world.run(20_000)
    const { stats } = world.exit
    const used = stats.bytesIn + world.asked + world.sent
    t.comment(`${quota / KB} KB, ${out / KB} KB/s: ${(used / quota).toFixed(3)} used, ${stats.pushes.sent} pushes, ${world.pages} pages`)
    t.ok(stats.pushes.sent > 0)
    t.ok(used <= quota, `${used} of ${quota}`)
  }
})

t.test('an operator sees what was pushed, what was given up, and what was asked for all the same', async t => {
  const world = await open(t, 1, { bandwidth: { out: 32 * KB, burst: 16 * KB }, console: { host: '127.0.0.1', port: 0 } })
  const [visit] = world.visits
  world.ask(visit!)
  await world.run(5_000, false)
  world.ask(visit!)
  await world.run(1_000, false)
  visit!.client.cancel(PUSH_IDS + PICTURES)
  await world.run(20_000, false)
  world.ask(visit!, '2-3.png')
  world.ask(visit!, '2-4.png')
  world.ask(visit!, '2-3.png')
  await world.run(5_000, false)
  const { host, port } = world.exit.console!
  const metrics = await (await fetch(`http://${host}:${port}/metrics`)).text()
  const figure = (name: string): number => Number(new RegExp(`^minwww_exit_${name} (\\S+)$`, 'm').exec(metrics)?.[1])
  t.strictSame(
    ['promises_total', 'pushes_total', 'pushes_cancelled_total', 'pushes_asked_total'].map(figure), [PICTURES, PICTURES, 1, 2]
  )
  const bytes = figure('pushed_bytes_total')
  t.ok(bytes > PICTURES * PICTURE && bytes < 1.05 * PICTURES * PICTURE, `${bytes} bytes`)
  t.ok(figure('out_bytes_total') > bytes - PICTURE)
})
