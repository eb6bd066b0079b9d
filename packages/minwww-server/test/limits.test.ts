import { spawn } from 'node:child_process'
import { readFile, readdir, writeFile, appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { VirtualClock } from '@minwww/testkit'
import { createExit } from '../src/index.ts'
import { Bandwidth } from '../src/limits/bandwidth.ts'
import { MAX_ACCOUNTS, MAX_PAID, Overheads } from '../src/limits/core/overheads.ts'
import { QuotaJournal } from '../src/limits/journal.ts'
import { FakeCore, FakeSession, keysOf, requestMessage } from './support/exit.ts'
import { FakeStreams, over } from './support/streams.ts'
import { echo, httpd } from './support/upstream.ts'

const at = (text: string) => Date.parse(text)

t.test('bandwidth refuses before the limits bite', async t => {
  const clock = new VirtualClock(at('2026-11-22T00:00:00Z'))
  const bandwidth = new Bandwidth({ out: 10_000, in: 10_000, quotaDay: 1_000_000 }, clock)
  t.equal(bandwidth.refuse('a', 0), undefined)
  bandwidth.owe('a', 90_000)
  t.match(bandwidth.refuse('a', 0), { cause: 'bandwidth-out', retryAfter: 5 })
  t.equal(bandwidth.refuse('b', 0), undefined, 'who waits for nothing is let in')
  bandwidth.owe('b', 50_000)
  t.match(bandwidth.refuse('b', 0), { cause: 'bandwidth-out', retryAfter: 6 }, 'both get the same, and the other one goes on')
  bandwidth.sent(clock.now(), { to: { b32: 'b' }, payload: Buffer.alloc(49_000) })
  t.equal(bandwidth.refuse('b', 0), undefined)
  t.match(bandwidth.refuse('a', 0), { cause: 'bandwidth-out' })
  clock.advance(10_000)
  t.equal(bandwidth.refuse('a', 0), undefined, 'nothing was sent to it for long: it has gone')
  bandwidth.owe('a', 90_000)
  bandwidth.idle()
  const taking = bandwidth.takeIn('a', 100_000)
  t.match(bandwidth.refuse('a', 0), { cause: 'bandwidth-in' })
  clock.advance(20_000)
  await taking
  t.equal(bandwidth.refuse('a', 0), undefined)
  t.match(bandwidth.refuse('a', 14), { cause: 'quota', retryAfter: 86_370 }, 'what is under way will use the rest')
  const aborted = new AbortController()
  await bandwidth.takeOut('a', 50_000)
  const waiting = bandwidth.takeOut('a', 500_000, aborted.signal)
  aborted.abort(new Error('gone'))
  await t.rejects(waiting, { message: 'gone' })
  bandwidth.close()
  t.equal(clock.pending, 0)
})

t.test('what streams repeat is charged afterwards, no more of it than was paid for, and all of it is in the quota', async t => {
  const clock = new VirtualClock(at('2026-11-22T00:00:00Z'))
  const bandwidth = new Bandwidth({ out: 100_000, burst: 50_000, quotaDay: 1_000_000 }, clock)
  const used = (): number => 1_000_000 - bandwidth.quotaLeft().day
  await bandwidth.takeOut('a', 20_000)
  for (let i = 0; i < 20; i++) bandwidth.streamed('a', 977)
  t.same([bandwidth.totals.out, used()], [20_000, 20_000], 'paid for before')
  for (let i = 0; i < 10; i++) bandwidth.streamed('a', 977)
  t.same([bandwidth.totals.out, used()], [30_000, 30_000], 'repetitions')
  for (let i = 0; i < 90; i++) bandwidth.streamed('a', 977)
  t.same([bandwidth.totals.out, used()], [40_000, 120_000], 'who has all repeated again and again takes it from nobody else')
  bandwidth.streamed('b', 977)
  t.same([bandwidth.totals.out, used()], [40_000, 121_000], 'nothing was paid for')
  const taken: number[] = []
  for (let i = 0; i < 3; i++) bandwidth.takeOut('a', 20_000).then(() => taken.push(clock.now()), t.fail)
  for (let i = 0; i < 60; i++) {
    await new Promise(setImmediate)
    clock.advance(10)
  }
  // 10,000 of the burst are left after 40,000: the first waits for 10,000 more.
  const waits = taken.map(time => time - at('2026-11-22T00:00:00Z'))
  t.same(waits.map(wait => Math.round(wait / 100)), [1, 3, 5], `${waits}`)
  bandwidth.close()
  t.equal(clock.pending, 0)
})

t.test('the accounts of clients are bounded', t => {
  const overheads = new Overheads()
  for (let client = 0; client < MAX_ACCOUNTS + 10; client++) overheads.paid(`${client}`, 1_000)
  t.equal(overheads.size, MAX_ACCOUNTS)
  t.same(overheads.sent('0', 1_000), { counted: 1_000, charged: 0 }, 'forgotten')
  overheads.paid('big', 10 * MAX_PAID)
  t.same(overheads.sent('big', 10 * MAX_PAID), { counted: 9 * MAX_PAID, charged: MAX_PAID })
  t.end()
})

t.test('exit: busy with retryAfter when the quota is used up, own refusals by cause', async t => {
  const server = await httpd(echo)
  t.teardown(server.close)
  const core = new FakeCore()
  const session = new FakeSession()
  const clock = new VirtualClock(at('2026-11-22T23:00:00Z'))
  const list = `# ours\n${keysOf(8).destination.base64}\n${keysOf(9).destination.b32}\n`
  const exit = await createExit({
    session,
    createCore: () => core,
    clock,
    sites: { 'demo.i2p': server.origin },
    bandwidth: { quotaDay: 100_000 },
    policy: { denyDestinations: [keysOf(9).destination.b32], allowDestinationsFile: join(t.testdir({ list }), 'list') }
  })
  t.teardown(async () => await exit.close())
  let handle = 0
  const ask = async (seed: number) => {
    const message = requestMessage('http://demo.i2p/')
    core.ask({ type: 'fetch', handle: ++handle, message, from: keysOf(seed).destination, deadline: clock.now() + 60_000 })
    session.emit('message', { protocol: 18, fromPort: 1, toPort: 80, payload: Buffer.alloc(1) })
    return (await core.answered(handle))[handle - 1]
  }
  t.match(await ask(8), { response: { status: 200 } })
  t.match(await ask(9), { failed: 'policy' })
  t.match(await ask(7), { failed: 'policy' }, 'not on the list')
  session.emit('message', { protocol: 18, fromPort: 1, toPort: 80, payload: Buffer.alloc(50_000) })
  t.match(await ask(8), { failed: 'busy', retryAfter: 3_600 })
  t.match(exit.stats.refusals, { destination: 2, quota: 1 })
})

t.test('the rate of one client holds for streams too, and leaves it room for requests', async t => {
  const body = Buffer.alloc(1_000_000, 7)
  const server = await httpd((request, response) => {
    response.setHeader('content-type', 'image/png').end(request.url === '/large' ? body : 'small')
  })
  t.teardown(server.close)
  const core = new FakeCore()
  const session = new FakeSession()
  const clock = new VirtualClock(at('2026-11-22T00:00:00Z'))
  const streams = new FakeStreams()
  const exit = await createExit({
    session,
    streams,
    createCore: () => core,
    clock,
    sites: { 'demo.i2p': server.origin },
    limits: { bytesPerClient: 100_000, burstPerClient: 200_000 }
  })
  t.teardown(async () => await exit.close())
  const began = clock.now()
  const took: number[] = []
  over(streams.open(keysOf(7).destination), 'http://demo.i2p/large').then(({ body: { length } }) => {
    t.equal(length, body.length)
    took.push(clock.now() - began)
  }, t.fail)
  const refused: unknown[] = []
  for (let handle = 1; took.length === 0 && handle < 1_000; handle++) {
    const message = requestMessage('http://demo.i2p/small')
    core.ask({ type: 'fetch', handle, message, from: keysOf(7).destination, deadline: clock.now() + 60_000 })
    session.emit('message', { protocol: 18, fromPort: 1, toPort: 80, payload: Buffer.alloc(1) })
    const answer = (await core.answered(handle))[handle - 1]!
    if (!('response' in answer)) refused.push(answer)
    await clock.advanceSettled(100)
  }
  t.ok(took[0]! > 8_500 && took[0]! < 11_000, `${took} ms: half of the burst at once, then at the rate`)
  t.strictSame(refused, [])
  const other = clock.now()
  await over(streams.open(keysOf(8).destination), 'http://demo.i2p/small')
  t.equal(clock.now(), other, 'another client waits for nothing')
})

t.test('journal: the last whole line counts, damage is told, a kill loses at most the last second', async t => {
  const dir = t.testdir()
  const file = join(dir, 'quota.jsonl')
  const state = { day: '2026-11-22', month: '2026-11', dayBytes: 5, monthBytes: 7 }
  const first = await QuotaJournal.open(file)
  t.equal(first.saved, undefined)
  first.journal.write(state)
  first.journal.write({ ...state, dayBytes: 6 })
  await first.journal.close()
  const whole = await readFile(file)
  for (let cut = whole.indexOf('\n') + 1; cut <= whole.length; cut++) {
    await writeFile(file, whole.subarray(0, cut))
    const { journal, saved } = await QuotaJournal.open(file)
    t.equal(saved?.dayBytes, cut === whole.length ? 6 : 5)
    await journal.close()
  }
  await appendFile(file, 'noise\n{"day":1}\n')
  const { journal, saved } = await QuotaJournal.open(file)
  t.match(saved, { dayBytes: 6 })
  for (let index = 0; index < 2_000; index++) journal.write({ ...state, dayBytes: index })
  t.ok((await readFile(file)).length <= 65_536, 'begun anew')
  await journal.close()
  t.match((await QuotaJournal.open(file).then(async opened => { await opened.journal.close(); return opened.saved })), { dayBytes: 1_999 })
  await writeFile(file, 'noise\n')
  await t.rejects(QuotaJournal.open(file), { code: 'MINWWW_EXIT_BAD_STATE' })
})

t.test('kill -9: what was counted a second ago is there', async t => {
  const dir = t.testdir()
  const script = fileURLToPath(new URL('support/quota-process.ts', import.meta.url))
  let least = 0
  for (let round = 0; round < 2; round++) {
    const child = spawn(process.execPath, [...process.execArgv, script, dir], { stdio: ['ignore', 'pipe', 'inherit'] })
    const counted: Array<{ at: number, bytes: number }> = []
    let text = ''
    let killedAt = 0
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      const lines = text.split('\n')
      text = lines.pop() ?? ''
      for (const line of lines) counted.push(JSON.parse(line) as { at: number, bytes: number })
      const [begin, end] = [counted[0], counted.at(-1)]
      if (begin !== undefined && end !== undefined && end.at - begin.at > 1_200 + round * 137 && killedAt === 0) {
        killedAt = end.at
        child.kill('SIGKILL')
      }
    })
    await new Promise(resolve => child.once('close', resolve))
    least = counted.filter(entry => entry.at <= killedAt - 1_000).at(-1)?.bytes ?? least
    const [file = ''] = await readdir(dir)
    const { journal, saved } = await QuotaJournal.open(join(dir, file))
    await journal.close()
    t.ok((saved?.dayBytes ?? 0) >= least, `${saved?.dayBytes} of at least ${least}`)
    t.ok((counted[0]?.bytes ?? 0) >= (round === 0 ? 0 : 1), 'it went on from what was there')
  }
})

t.test('reload: limits, addresses and policy change, or nothing does', async t => {
  const server = await httpd(echo)
  t.teardown(server.close)
  const core = Object.assign(new FakeCore(), { setLimits: (_now: number, limits: object) => { announced.push(limits) } })
  const announced: object[] = []
  const session = new FakeSession()
  const clock = new VirtualClock(at('2026-11-22T12:00:00Z'))
  const bandwidth = { out: 1_000, quotaDay: 1_000 }
  const exit = await createExit({ session, createCore: () => core, clock, bandwidth, allowAddresses: [`127.0.0.1:${server.port}`] })
  t.teardown(async () => await exit.close())
  let handle = 0
  const ask = async (method = 'GET') => {
    const message = requestMessage(`${server.origin}/`, { method })
    core.ask({ type: 'fetch', handle: ++handle, message, from: keysOf(8).destination, deadline: clock.now() + 60_000 })
    session.emit('message', { protocol: 18, fromPort: 1, toPort: 80, payload: Buffer.alloc(1) })
    return (await core.answered(handle))[handle - 1]
  }
  t.match(await ask(), { failed: 'busy' }, 'less than one request of the quota is left')
  await t.rejects(exit.reload({ denyAddresses: ['nonsense'] }), { code: 'MINWWW_EXIT_BAD_OPTION' })
  await t.rejects(exit.reload({ policy: { denyHostsFile: '/nonexistent/list' } }), { code: 'MINWWW_EXIT_BAD_OPTION' })
  t.match(await ask(), { failed: 'busy' })
  const usable = { allowAddresses: [`127.0.0.1:${server.port}`], bandwidth: { out: 50_000 } }
  await exit.reload(usable)
  t.equal(exit.stats.quotaLeft.day, Infinity)
  t.match(await ask(), { response: { status: 200 } })
  t.match(announced.at(-1), { limit: 50_000 })
  await exit.reload({ ...usable, policy: { methods: ['GET'] }, limits: { requestsPerClient: [{ count: 1, window: 60_000 }] } })
  t.match(await ask('POST'), { failed: 'policy' })
  t.match(await ask(), { failed: 'busy' }, 'one request a minute')
  await exit.reload({ bandwidth: usable.bandwidth })
  t.match(await ask(), { failed: 'policy' }, 'the exception of the guard has gone')
})
