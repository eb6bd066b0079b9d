import { spawn } from 'node:child_process'
import { readFile, readdir, writeFile, appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import t from 'tap'
import { VirtualClock } from '@minwww/testkit'
import { createExit } from '../src/index.ts'
import { Admission } from '../src/limits/core/admission.ts'
import { FairBucket } from '../src/limits/core/fair-bucket.ts'
import { QuotaCounter, type QuotaLimits } from '../src/limits/core/quota.ts'
import { Bandwidth } from '../src/limits/bandwidth.ts'
import { QuotaJournal } from '../src/limits/journal.ts'
import { FakeCore, FakeSession, keysOf, requestMessage } from './support/exit.ts'
import { echo, httpd } from './support/upstream.ts'

const at = (text: string) => Date.parse(text)

t.test('fair bucket: the rate is kept, flows share alike, a greedy one gets no more', t => {
  const rate = 65_536
  let now = 0
  const bucket = new FairBucket({ rate }, now)
  const served = new Map<string, number>()
  const ask = (flow: string, size: number) => {
    bucket.request(now, flow, size, () => {
      served.set(flow, (served.get(flow) ?? 0) + size)
      ask(flow, size)
    })
  }
  for (let client = 0; client < 19; client++) ask(`honest ${client}`, 4_096)
  for (let connection = 0; connection < 30; connection++) ask('greedy', 16_384)
  while (now < 60_000) {
    now = Math.min(60_000, bucket.nextTimeout(now) ?? 60_000)
    bucket.poll(now)
  }
  const total = [...served.values()].reduce((sum, bytes) => sum + bytes, 0)
  t.ok(Math.abs(total - rate * 60) < rate * 60 * 0.02, `total ${total} of ${rate * 60}`)
  const share = total / 20
  for (const [flow, bytes] of served) t.ok(Math.abs(bytes - share) < share * 0.2, `${flow}: ${bytes} of ${Math.round(share)}`)
  t.end()
})

t.test('fair bucket: messages and streams share by the number of clients', t => {
  const rate = 100_000
  let now = 0
  const bucket = new FairBucket({ rate }, now)
  let streams = 0
  let messages = 0
  const ask = () => bucket.request(now, 'stream', 10_000, () => {
    streams += 10_000
    ask()
  })
  ask()
  while (now < 60_000) {
    if (bucket.readyAt(now, 1) <= now) {
      bucket.sent(now, 8_000, 3)
      messages += 8_000
    }
    bucket.poll(now)
    now = Math.max(now + 1, Math.min(bucket.readyAt(now, 1), bucket.nextTimeout(now) ?? Infinity))
  }
  t.ok(Math.abs(streams + messages - rate * 60) < rate * 60 * 0.02, `total ${streams + messages}`)
  t.ok(streams > rate * 60 * 0.2 && streams < rate * 60 * 0.32, `one of four: ${streams}`)
  t.end()
})

t.test('property: no sequence of requests, aborts and pauses gets more than rate and burst', t => {
  const step = fc.record({
    flow: fc.integer({ min: 0, max: 4 }),
    bytes: fc.integer({ min: 1, max: 40_000 }),
    pause: fc.integer({ min: 0, max: 900 }),
    abort: fc.boolean()
  })
  fc.assert(fc.property(fc.array(step, { maxLength: 120 }), steps => {
    let now = 0
    let granted = 0
    const bucket = new FairBucket({ rate: 10_000, burst: 20_000 }, now)
    for (const { flow, bytes, pause, abort } of steps) {
      const leave = bucket.request(now, String(flow), bytes, () => { granted += bytes })
      if (abort) leave()
      now += pause
      bucket.poll(now)
      if (granted > 20_000 + now * 10 + 40_000) return false
    }
    return true
  }), { seed: 3, numRuns: 300 })
  t.end()
})

t.test('quota: days, months, a clock set back', t => {
  const quota = new QuotaCounter({ quotaDay: 1_000, quotaMonth: 1_500 }, at('2026-11-29T23:00:00Z'))
  quota.add(at('2026-11-29T23:30:00Z'), 900)
  t.strictSame(quota.left(at('2026-11-29T23:31:00Z')), { day: 100, month: 600 })
  t.equal(quota.retryAfter(at('2026-11-29T23:59:00Z'), 101), 60)
  t.strictSame(quota.left(at('2026-11-30T00:00:00Z')), { day: 1_000, month: 600 })
  quota.add(at('2026-11-30T12:00:00Z'), 700)
  t.strictSame(quota.left(at('2026-11-01T00:00:00Z')), { day: 300, month: 0 }, 'the clock was set back')
  t.equal(quota.retryAfter(at('2026-11-30T23:59:59Z'), 1), 1)
  t.strictSame(quota.left(at('2026-12-01T00:00:00Z')), { day: 1_000, month: 1_500 })
  for (const day of ['2024-02-29', '2026-12-31', '2027-01-01', '2028-02-29', '2100-03-01', '1999-12-31', '1970-01-01']) {
    t.equal(new QuotaCounter({}, at(`${day}T12:00:00Z`)).state(at(`${day}T12:00:00Z`)).day, day)
  }
  const used = (day: string, limits: QuotaLimits) =>
    new QuotaCounter(limits, at(`${day}T00:00:00Z`), { day, month: day.slice(0, 7), dayBytes: 1, monthBytes: 1 })
  t.equal(used('2028-02-28', { quotaDay: 1 }).retryAfter(at('2028-02-28T00:00:00Z'), 1), 86_400)
  t.equal(used('2026-12-31', { quotaMonth: 1 }).retryAfter(at('2026-12-31T00:00:00Z'), 1), 86_400)
  t.end()
})

t.test('admission: rates, POSTs, new clients, cool-down, bounded memory', t => {
  const limits = {
    requestsPerClient: [{ count: 3, window: 60_000 }],
    requestsTotal: [{ count: 100, window: 60_000 }],
    postsPerClient: [{ count: 1, window: 300_000 }],
    postsTotal: [],
    newClients: [{ count: 5, window: 60_000 }],
    maxRefusals: 2,
    coolDownWindow: 60_000,
    coolDown: 600_000,
    maxClients: 6
  }
  const admission = new Admission(limits, 0)
  for (let index = 0; index < 3; index++) t.equal(admission.admit(0, 'a', true), undefined)
  t.strictSame(admission.admit(0, 'a', true), { cause: 'requests-client', retryAfter: 20 })
  t.equal(admission.admit(19_999, 'a', true)?.cause, 'requests-client')
  t.equal(admission.admit(20_000, 'a', true), undefined)
  t.equal(admission.admit(20_000, 'b', false), undefined)
  t.strictSame(admission.admit(20_000, 'b', false), { cause: 'posts-client', retryAfter: 300 })
  t.equal(admission.admit(20_000, 'b', true), undefined, 'a GET is no POST')
  t.equal(admission.admit(20_001, 'a', true)?.cause, 'requests-client')
  t.equal(admission.admit(20_002, 'a', true)?.cause, 'cool-down', 'one refusal too many')
  t.strictSame(admission.admit(60_000, 'a', true), { cause: 'cool-down', retryAfter: 561 })
  t.equal(admission.admit(620_003, 'a', true), undefined, 'after the cool-down')
  const fresh = new Admission(limits, 0)
  for (const name of ['c', 'd', 'e', 'f', 'g']) t.equal(fresh.admit(0, name, true), undefined)
  t.strictSame(fresh.admit(0, 'h', true), { cause: 'new-clients', retryAfter: 12 })
  t.equal(fresh.admit(0, 'c', true), undefined, 'who is known is not new')
  for (let index = 0; index < 100; index++) fresh.admit(100_000 * (index + 1), `flood ${index}`, true)
  t.equal(fresh.clients, 6)
  const paid = new Admission({ bytesPerClient: 1_000, burstPerClient: 10_000 }, 0)
  t.equal(paid.admit(0, 'a', true), undefined)
  paid.spend(0, 'a', 15_000)
  t.strictSame(paid.admit(0, 'a', true), { cause: 'bytes-client', retryAfter: 6 })
  t.equal(paid.admit(5_002, 'a', true), undefined)
  t.end()
})

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
