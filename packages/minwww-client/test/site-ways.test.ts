// From which own Destinations sites are asked, and how many are built for whom. The time is the test's.
import { Duplex } from 'node:stream'
import t, { type Test } from 'tap'
import { ProxyError } from '../src/http/failures.ts'
import { connected } from '../src/route/stream-path.ts'
import { MAX_SITE_WAYS, SiteWays, type Way } from '../src/sessions/site-ways.ts'
import type { ProxySession } from '../src/sessions/proxy-session.ts'
import { FakeSession } from './proxy-support.ts'

const SECOND = 1_000
const HOUR = 3_600_000
/** Silence after which a site is given up from one Destination, at the least, ms. */
const PATIENCE = 8 * SECOND

class Session extends FakeSession {
  isClosed = false
  async close (): Promise<void> { this.isClosed = true }
}

class Stream extends Duplex {
  override _read (): void {}
}

interface Scene {
  ways: SiteWays
  own: Session[]
  built: Session[]
  busy: Set<ProxySession>
  pass: (ms: number) => void
  /** A stream from there that the site takes. */
  take: (site: string, from: ProxySession) => Promise<void>
  /** One that it does not take in time. */
  miss: (site: string, from: ProxySession) => Promise<void>
  fresh: (site: string) => Promise<ProxySession | undefined>
}

function scene (test: Test, count: number): Scene {
  let now = 0
  const own = Array.from({ length: count }, () => new Session())
  const built: Session[] = []
  const busy = new Set<ProxySession>()
  const ways = new SiteWays({
    sessions: () => own,
    open: () => {
      const session = new Session()
      built.push(session)
      return session
    },
    isBusy: session => busy.has(session),
    now: () => now
  })
  test.teardown(() => ways.close())
  const closed = async (stream: Duplex): Promise<void> => {
    stream.on('error', () => {})
    await new Promise(resolve => stream.once('close', resolve))
  }
  const follow = (site: string, from: ProxySession): Duplex => {
    const stream = new Stream()
    ways.follow(site, from, stream)
    return stream
  }
  return {
    ways,
    own,
    built,
    busy,
    pass: ms => { now += ms },
    take: async (site, from) => {
      const stream = follow(site, from)
      now += 100
      stream.emit('connect')
      await closed(stream.destroy())
    },
    miss: async (site, from) => {
      const stream = follow(site, from)
      now += PATIENCE
      await closed(stream.destroy(new ProxyError('MINWWW_TIMEOUT')))
    },
    fresh: async site => await ways.fresh(site, SECOND, new AbortController().signal)
  }
}

const isNew = (way: Way | undefined): boolean => way === 'new'

/** What they are, in words. */
const named = (ways: Way[], { own, built }: Pick<Scene, 'own' | 'built'>): string[] => ways.map(way =>
  way === 'new' ? way : own.includes(way as Session) ? `own ${own.indexOf(way as Session)}` : `built ${built.indexOf(way as Session)}`)

t.test('a site that was never heard is asked from the usual Destination alone, however silent it is', async t => {
  const { ways, own, built, miss, take } = scene(t, 2)
  const asked = (): string[] => named(ways.of('site'), { own, built })
  t.strictSame(asked(), ['own 0'])
  await miss('site', own[0]!)
  t.strictSame(asked(), ['own 0'])
  t.equal(ways.patience('site'), undefined)
  await take('site', own[0]!)
  t.strictSame(asked(), ['own 0', 'own 1', 'new'])
  await miss('site', own[0]!)
  t.strictSame(asked(), ['own 1', 'new', 'own 0'])
  t.equal(ways.patience('site'), PATIENCE)
})

t.test('sites that were never heard take no place of those that were', async t => {
  const { ways, own, miss, take } = scene(t, 2)
  await take('site', own[0]!)
  for (let i = 0; i < MAX_SITE_WAYS; i++) await miss(`dead ${i}`, own[0]!)
  t.equal(ways.size, 1)
  t.equal(ways.of('site').length, 2)
})

t.test('a site that takes a stream from each new Destination, and no more, uses up its own share of them only', async t => {
  const { ways, own, built, pass, take, miss, fresh } = scene(t, 1)
  const cheat = async (): Promise<boolean> => {
    if (!isNew(ways.of('cheat').find(isNew))) return false
    const from = await fresh('cheat')
    if (from === undefined) return false
    await take('cheat', from)
    await miss('cheat', from)
    return true
  }
  await take('cheat', own[0]!)
  await take('site', own[0]!)
  await miss('cheat', own[0]!)
  for (let i = 0; i < 60; i++) {
    await cheat()
    pass(10 * SECOND)
  }
  t.equal(built.length, 7)
  await take('site', own[0]!)
  await miss('site', own[0]!)
  t.ok(ways.of('site').some(isNew), 'another site has what is left')
  pass(HOUR)
  await take('cheat', own[0]!)
  await miss('cheat', own[0]!)
  t.ok(await cheat(), 'and after an hour it has some again')
})

t.test('of two that were built the one over which sites were heard longest ago goes first, and none that is in use', async t => {
  const { own, built, busy, pass, take, miss, fresh } = scene(t, 1)
  for (const site of ['a', 'b', 'c', 'd']) await take(site, own[0]!)
  const lost = async (site: string, ...from: ProxySession[]): Promise<ProxySession | undefined> => {
    for (const session of [own[0]!, ...from]) await miss(site, session)
    return await fresh(site)
  }
  await take('a', (await lost('a'))!)
  await take('b', (await lost('b', built[0]!))!)
  pass(SECOND)
  await take('a', built[0]!)
  await lost('c', built[0]!, built[1]!)
  t.strictSame(built.map(({ isClosed }) => isClosed), [false, true, false])
  for (const session of built) busy.add(session)
  t.ok(await lost('d', built[0]!, built[2]!) === undefined)
  t.equal(built.length, 3)
})

t.test('who leaves before a site has taken his stream says nothing of the site, for whatever reason he does', async t => {
  const { ways, own, built, take } = scene(t, 1)
  await take('site', own[0]!)
  for (const reason of [undefined, new Error('the browser has left')]) {
    const stream = new Stream()
    ways.follow('site', own[0]!, stream)
    const abort = new AbortController()
    const left = connected(stream, abort.signal, 60_000)
    abort.abort(reason)
    await t.rejects(left)
    t.equal(stream.errored, abort.signal.reason)
    t.strictSame(named(ways.of('site'), { own, built }), ['own 0', 'new'])
  }
})

t.test('who loads a page anew each five seconds is not kept from another Destination', async t => {
  const { ways, own, built, pass, take } = scene(t, 2)
  const leave = async (after: number): Promise<void> => {
    const stream = new Stream()
    ways.follow('site', own[0]!, stream)
    pass(after)
    const closed = new Promise(resolve => stream.on('error', () => {}).once('close', resolve))
    stream.destroy(new Error('the browser has left'))
    await closed
  }
  const first = (): string => named(ways.of('site'), { own, built })[0]!
  await take('site', own[0]!)
  for (let n = 0; n < 100; n++) await leave(1_900)
  t.equal(first(), 'own 0', 'what was not waited for is no silence, however often')
  await leave(5_000)
  t.equal(first(), 'own 0')
  await Promise.all([leave(0), leave(2_000), leave(0)])
  t.equal(first(), 'own 0', 'the time of several at once counts once')
  await leave(5_000)
  t.equal(first(), 'own 1')
  await take('site', own[0]!)
  await leave(5_000)
  t.equal(first(), 'own 0', 'it was heard')
})

t.test('after the end none is built', async t => {
  const { ways, own, built, take, miss, fresh } = scene(t, 1)
  await take('site', own[0]!)
  await miss('site', own[0]!)
  ways.close()
  t.ok(await fresh('site') === undefined)
  t.equal(built.length, 0)
})

t.test('a Destination from which a site was silent is asked last for ten minutes, and as long when it is silent again', async t => {
  const { ways, own, take, miss, pass } = scene(t, 2)
  const first = (): number => own.indexOf(ways.of('site')[0] as Session)
  await take('site', own[0]!)
  for (const time of ['once', 'again']) {
    t.equal(first(), 0)
    await miss('site', own[0]!)
    pass(300 * SECOND)
    await miss('site', own[0]!)
    pass(300 * SECOND - 2 * PATIENCE - 1)
    t.equal(first(), 1, time)
    pass(1)
    t.equal(first(), 0, 'by then our router has looked it up anew')
    pass(HOUR)
  }
})
