import type { Message } from '@minwww/protocol'
import t from 'tap'
import type { Outgoing } from '../src/core.ts'
import { Bench, FakeExit, pageObject } from './core-fake-exit.ts'

/** Lets time pass; the exit answers probes, which are OPENs without a request, and nothing else. */
function waitWithProbes (bench: Bench, exit: FakeExit, ms: number): void {
  for (const end = bench.now + ms; bench.now < end;) {
    for (const message of bench.wait(100).map(sent => exit.read(sent)).filter(isProbe)) bench.receive(exit.reply(message, Buffer.alloc(0)))
  }
}

const isProbe = (message: Message): boolean => message.type === 'open' && message.object.length === 0
const isAsked = (exit: FakeExit, sent: readonly Outgoing[]): boolean => sent.some(message => exit.read(message).type === 'open')

/** A client whose exits, `count` of them, have just been heard. */
function bench (count = 1): { bench: Bench, exits: FakeExit[] } {
  const bench = new Bench()
  const exits = Array.from({ length: count }, (_, index) => new FakeExit(7 + index))
  exits.forEach((exit, index) => bench.ready(`exit-${index}`, exit, 50))
  bench.events()
  bench.wait(1)
  return { bench, exits }
}

t.test('the only exit dies: one request waits for it, the next ones fail after one real try', async t => {
  const { bench: b, exits: [exit] } = bench()
  const diedAt = b.now
  b.get({ timeout: 60_000 })
  b.wait(59_999)
  t.strictSame(b.outcomes(), [])
  b.wait(1)
  t.match(b.outcomes(), [{ type: 'failed', code: 'silent', exit: 'exit-0' }])
  t.match(b.core.exits(b.now), [{ state: 'down', silentSince: diedAt }])
  b.wait(30_000)

  b.get({ timeout: 60_000 })
  const tried = b.wait(4_999)
  t.ok(isAsked(exit!, tried), 'it is asked, whatever is known of it')
  t.strictSame(b.outcomes(), [])
  b.wait(1)
  t.match(b.outcomes(), [{ type: 'failed', code: 'silent', trace: { total: 5_000 } }])
})

t.test('it comes back: the next request has its page, and all have their full time again', async t => {
  const { bench: b, exits: [exit] } = bench()
  b.get()
  b.wait(100_000)
  b.events()
  const handle = b.get()
  const open = exit!.read(b.sent().find(message => !isProbe(exit!.read(message)))!)
  b.wait(50)
  b.receive(exit!.reply(open, pageObject('back')))
  t.match(b.outcomes(), [{ type: 'response', handle }])
  t.match(b.core.exits(b.now), [{ state: 'ready', silentSince: undefined }])
  b.wait(60_000)
  b.get()
  b.wait(30_000)
  t.strictSame(b.outcomes(), [])
})

t.test('it comes back while a request waits: an answer to the probe gives it its full time', async t => {
  const { bench: b, exits: [exit] } = bench()
  b.get()
  b.wait(100_000)
  b.events()
  b.get({ timeout: 60_000 })
  waitWithProbes(b, exit!, 4_000)
  t.match(b.core.exits(b.now), [{ silentSince: undefined }])
  waitWithProbes(b, exit!, 40_000)
  t.strictSame(b.outcomes(), [], 'the site is slow, the exit is there')
})

t.test('a page that somebody waits for is given up after ten seconds of silence', async t => {
  const { bench: b } = bench()
  b.get({ timeout: 60_000, isPage: true })
  b.wait(9_999)
  t.strictSame(b.outcomes(), [])
  b.wait(2_001)
  t.match(b.outcomes(), [{ type: 'failed', code: 'silent' }])
})

t.test('so it is where all exits of a pool have died', async t => {
  for (const count of [2, 3, 5]) {
    const { bench: b } = bench(count)
    b.get({ timeout: 60_000, isPage: true })
    b.wait(20_000)
    t.match(b.outcomes(), [{ type: 'failed', code: 'silent' }], `${count} exits`)
  }
})

t.test('whoever is patient waits for dead exits once: the next request knows all of them', async t => {
  for (const count of [2, 5]) {
    const { bench: b } = bench(count)
    b.get({ timeout: 60_000 })
    b.wait(60_000)
    t.match(b.outcomes(), [{ type: 'failed' }])
    b.get({ timeout: 60_000 })
    b.wait(5_000)
    t.match(b.outcomes(), [{ type: 'failed', code: 'silent' }], `${count} exits`)
  }
})

t.test('a site that is slow is waited for, since the exit answers probes', async t => {
  const { bench: b, exits: [exit] } = bench()
  b.get({ timeout: 60_000, isPage: true })
  waitWithProbes(b, exit!, 59_000)
  t.strictSame(b.outcomes(), [])
})

t.test('one silent exit beside others takes no time from anybody', async t => {
  const { bench: b, exits: [, alive] } = bench(2)
  b.get({ timeout: 60_000 })
  for (let i = 0; i < 300 && b.outcomes().length === 0; i++) {
    for (const message of b.wait(200).filter(({ to }) => to.equals(alive!.keys.destination))) {
      const read = alive!.read(message)
      if (read.type === 'open' || read.type === 'request') b.receive(alive!.reply(read, pageObject('alive')))
    }
  }
  t.match(b.core.exits(b.now).map(({ state }) => state).sort(), /ready/)
  // The other one is slow now: silent for one request only, and heard before.
  b.get({ timeout: 60_000 })
  b.wait(8_000)
  t.strictSame(b.outcomes(), [])
})

t.test('an exit that says it is busy is there', async t => {
  const { bench: b, exits: [busy] } = bench(2)
  b.get()
  b.wait(90_000)
  b.events()
  t.equal(b.core.exits(b.now).filter(({ silentSince }) => silentSince !== undefined).length, 2)
  b.get()
  const open = b.sent().filter(({ to }) => to.equals(busy!.keys.destination)).map(message => busy!.read(message))[0]
  if (open !== undefined) b.receive([busy!.error(open, 'busy', { retryAfter: 30 })])
  t.ok(open)
  t.match(b.core.exits(b.now).find(({ id }) => id === 'exit-0'), { state: 'busy', busyUntil: b.now + 30_000 })
  b.wait(20_000)
  t.strictSame(b.outcomes(), [])
})

t.test('an exit that says that it works is not the best one for that', async t => {
  const { bench: b, exits: [exit] } = bench()
  const scored = (): number => b.core.exits(b.now)[0]!.score!
  const before = scored()
  const answered = (after: number): void => {
    b.get()
    const request = exit!.read(b.sent()[0]!)
    b.wait(50)
    for (let waited = 0; waited < after; waited += 4_000) {
      b.receive(exit!.working(request))
      b.wait(Math.min(4_000, after - waited))
    }
    b.receive(exit!.reply(request, pageObject('late')))
    b.events()
  }
  for (let i = 0; i < 10; i++) answered(20_000)
  t.ok(scored() > before + 1_000, `${scored()} ms after ${before}`)

  const failures = b.core.exits(b.now)[0]!.failures
  b.get()
  const request = exit!.read(b.sent()[0]!)
  b.wait(200)
  for (let i = 0; i < 100; i++) {
    b.receive(exit!.working(request))
    b.wait(4_000)
  }
  t.equal(b.core.exits(b.now)[0]!.failures, failures + 1, 'and to say so to the end is a failure')
})

t.test('behind a stream of the same exit a reply is asked on for, not begun anew elsewhere', async t => {
  const wants = (isStreaming: boolean): number => {
    const bench = new Bench()
    const exit = new FakeExit()
    bench.ready('exit', exit)
    bench.get()
    const asked = exit.read(bench.sent()[0]!)
    bench.wait(200)
    const object = pageObject(Buffer.from(Array.from({ length: 40_000 }, (_, index) => index * index * 31 >> 5 & 0xff)))
    bench.receive(exit.reply(asked, object, { symbolLength: 2_000, indices: [0, 1, 2], last: 21 }))
    const wanted = new Set<number>()
    for (let turn = 0; turn < 40; turn++) {
      if (isStreaming) bench.core.streamHeard(bench.now, 'exit')
      for (const message of bench.wait(250)) {
        if (message.source === 1) return wanted.size
        const read = exit.read(message)
        if (read.type === 'want') wanted.add(read.attempt)
      }
    }
    return wanted.size
  }
  t.strictSame([wants(false), wants(true)], [1, 3])
})
