import type { Arrivals } from '@minwww/protocol'
import { EPOCH, seedOf } from '@minwww/testkit'
import t from 'tap'
import { Egress, MAX_TRACKS, type Watched } from '../src/core/egress.ts'
import { KB, Model, type Client } from './support/egress-model.ts'

const SEED = 7
const SECOND = 1_000

/** Clients that grant more than their share: only the exit can hold them back. */
const clients = (count: number, o: Partial<Client> = {}): Client[] => Array.from({ length: count }, () => ({ grant: 48 * KB, ...o }))

/** 20 s, then 40 that count. */
function settled (model: Model): ReturnType<Model['result']> {
  model.run(20 * SECOND)
  model.forget()
  model.run(40 * SECOND)
  return model.result()
}

const fair = (shares: readonly number[], least = 0.8): boolean => Math.min(...shares) >= least * Math.max(...shares)
const total = (shares: readonly number[]): number => shares.reduce((sum, share) => sum + share)

t.test('what an exit learns of a bottleneck that its clients share', async t => {
  const seed = seedOf(t, SEED)
  const rows: string[] = []
  for (const loss of [0, 0.1]) {
    for (const rate of [16, 64, 256, 0]) {
      for (const count of [1, 2, 5, 50]) {
        const grant = Math.max(48, 0.75 * rate) * KB
        const { shares, drops, limit } = settled(
          new Model(seed, { rate: rate * KB, loss, delay: 250, queue: 1_000, clients: clients(count, { grant }) })
        )
        rows.push(
          `${rate === 0 ? 'unlimited' : `${rate} KB/s`}, loss ${100 * loss} %, ${count} clients: ${Math.round(total(shares))} KB/s, ` +
            `${Math.min(...shares).toFixed(1)} to ${Math.max(...shares).toFixed(1)} each, ${drops.toFixed(1)} % dropped, ` +
            `limit ${limit === Infinity ? 'none' : Math.round(limit / KB)}`
        )
      }
    }
  }
  t.matchSnapshot(rows.join('\n'))
})

t.test('bottlenecks of the clients\' own: each gets what it can take, and who comes later too', async t => {
  const seed = seedOf(t, SEED)
  for (const inbounds of [[64, 256], [64, 64, 64, 64, 64], [32, 64, 128, 256, 512]]) {
    const own = inbounds.map((inbound, i) => ({ grant: 1.1 * inbound * KB, inbound: inbound * KB, begins: i === 0 ? 15 * SECOND : 0 }))
    const { shares } = settled(new Model(seed, { rate: 0, delay: 250, queue: 1_000, clients: own }))
    t.ok(shares.every((share, i) => share > 0.9 * inbounds[i]!), `of ${inbounds.join(', ')}: ${shares.map(Math.round).join(', ')} KB/s`)
  }
})

t.test('one liar of five changes nothing for the others', async t => {
  const seed = seedOf(t, SEED)
  const lies: Array<[string, Client['lie']]> = [
    ['no queue, everything came', ({ received }) => ({ queue: 0, received: 2 * received })],
    ['a long queue, nothing came', () => ({ queue: 60_000, received: 1 })],
    ['always another time', ({ received }) => ({ time: received * 7919 & 0xffff })],
    ['anything', ({ received }) => ({ queue: received * 7919 & 0xffff, received: received * 104_729, time: received * 31 & 0xffff })]
  ]
  for (const [name, lie] of lies) {
    const others = clients(4)
    const { shares, drops } = settled(
      new Model(seed, { rate: 64 * KB, delay: 250, queue: 1_000, clients: [{ grant: 48 * KB, lie }, ...others] })
    )
    const honest = shares.slice(1)
    t.ok(fair(honest) && Math.min(...honest) > 0.85 * 64 / 5, `${name}: ${shares.map(share => share.toFixed(1)).join(', ')} KB/s`)
    t.ok(drops < 3, `${drops.toFixed(1)} % dropped`)
  }
})

/** Reports a queue that grows for ever, of which nothing came, as often as it counts. */
const liar = (): Client['lie'] => {
  let count = 0
  return () => ({ queue: Math.min(60_000, 600 * ++count), received: count })
}

t.test('one that lies in several sessions, but has few of what is sent, lowers nothing', t => {
  const egress = new Egress()
  const sessions = (count: number): Watched[] => Array.from({ length: count }, () => ({ bucket: { rate: 48 * KB } }))
  const [lying, quiet] = [sessions(3), sessions(20)]
  for (let now = EPOCH, step = 1; now < EPOCH + 30_000; now += 50, step++) {
    // Pages now and then: what they are sent is too little for a REPORT.
    if (step % 10 === 0) for (const session of quiet) egress.sent(now, session, 2048)
    if (step % 5 === 0) for (const session of lying) egress.sent(now, session, 2048)
    if (step % 6 === 0) { for (const session of lying) egress.reported(now, session, { time: now & 0xffff, queue: Math.min(60_000, 10 * step), received: step }) }
    if ((egress.nextTimeout() ?? Infinity) <= now) egress.handleTimeout(now)
    if (egress.limit !== Infinity) break
  }
  t.equal(egress.limit, Infinity)
  t.end()
})

t.test('five sessions that lie, and answer first, do not slow fifteen that are honest', async t => {
  const model = (lies: boolean): Model =>
    new Model(seedOf(t, SEED), {
      rate: 256 * KB,
      delay: 250,
      queue: 1_000,
      clients: [...clients(15), ...Array.from({ length: 5 }, () => ({ grant: 48 * KB, lie: lies ? liar() : undefined, isHasty: lies }))]
    })
  const honest = (lies: boolean): number => total(settled(model(lies)).shares.slice(0, 15))
  const [before, beside] = [honest(false), honest(true)]
  t.ok(beside > 0.85 * before, `${beside.toFixed(1)} KB/s of ${before.toFixed(1)}`)
})

t.test('of two clients a liar slows the other no more than a client that asks for twice as much', async t => {
  const model = (lie: Client['lie']): Model => new Model(seedOf(t, SEED), {
    rate: 64 * KB, delay: 250, queue: 1_000, clients: [{ grant: 48 * KB, lie }, ...clients(1)]
  })
  const { shares: [, honest] } = settled(model(undefined))
  const { shares: [, beside] } = settled(model(() => ({ queue: 60_000, received: 1 })))
  t.ok(beside! > 0.85 * honest!, `${beside!.toFixed(1)} KB/s of ${honest!.toFixed(1)}`)
})

t.test('a bottleneck that becomes narrow, wide, or goes', async t => {
  const model = new Model(seedOf(t, SEED), { rate: 256 * KB, delay: 250, queue: 1_000, clients: clients(5, { grant: 192 * KB }) })
  const after = (rate: number, seconds: number): number => {
    model.carry(rate * KB)
    model.run(seconds * SECOND)
    model.forget()
    model.run(10 * SECOND)
    return total(model.result().shares)
  }
  t.ok(after(256, 20) > 0.9 * 256)
  t.ok(after(32, 20) > 0.85 * 32)
  t.ok(model.result().drops < 3, `${model.result().drops.toFixed(1)} % dropped`)
  t.ok(after(256, 20) > 0.85 * 256)
  t.ok(after(0, 20) > 0.9 * 5 * 192)
  model.run(30 * SECOND)
  t.equal(model.egress.limit, Infinity)
})

t.test('what is stale, says nothing, or is of somebody unknown changes nothing', async t => {
  const egress = new Egress()
  const session = () => ({ bucket: { rate: 1e6 } })
  const [a, b, unknown] = [session(), session(), session()]
  const say = (now: number, who: Watched, said: Partial<Arrivals> = {}): void => {
    egress.reported(now, who, { time: now - 900 & 0xffff, queue: 800, received: Math.floor((now - EPOCH) / 50) + 1, ...said })
  }
  for (let now = EPOCH; now < EPOCH + 5_000; now += 50) {
    egress.sent(now, a, 2048)
    egress.sent(now, b, 2048)
    say(now, a, { time: EPOCH & 0xffff })
    say(now, b, { received: 0 })
    say(now, unknown)
  }
  t.equal(egress.limit, Infinity)
  t.equal(egress.nextTimeout(), undefined)
  for (let now = EPOCH + 5_000; now < EPOCH + 8_000; now += 50) {
    for (const who of [a, b]) {
      egress.sent(now, who, 2048)
      say(now, who)
    }
  }
  t.ok(egress.limit < 80 * KB, 'two that see a queue')
  egress.handleTimeout(egress.nextTimeout()!)
  for (let due = egress.nextTimeout(); due !== undefined; due = egress.nextTimeout()) egress.handleTimeout(due)
  t.equal(egress.limit, Infinity, 'nobody says anything any more')
})

t.test('more sessions than are watched', async t => {
  const egress = new Egress()
  const sessions = Array.from({ length: MAX_TRACKS + 10 }, () => ({ bucket: { rate: 1e6 } }))
  for (const session of sessions) egress.sent(EPOCH, session, 1024)
  t.doesNotThrow(() => egress.reported(EPOCH + 10, sessions.at(-1)!, { time: 0, queue: 5, received: 1 }))
})
