import fc from 'fast-check'
import t from 'tap'
import { seedOf } from '@minwww/testkit'
import { QuotaCounter, readQuotaState, type QuotaLimits } from '../src/limits/core/quota.ts'

const SEED = 20_261_128
const at = (text: string): number => Date.parse(text)

t.test('a saved state is taken only if it is one', async t => {
  const good = { day: '2026-11-28', month: '2026-11', dayBytes: 5, monthBytes: 7 }
  t.strictSame(readQuotaState({ ...good, more: 1 }), good)
  t.strictSame(readQuotaState({ ...good, dayBytes: 0, monthBytes: 0 }), { ...good, dayBytes: 0, monthBytes: 0 }, 'nothing used is a count')
  t.strictSame(readQuotaState({ ...good, dayBytes: 0.5 }), { ...good, dayBytes: 0.5 })
  const counts = [-1, -0.5, -Infinity, Infinity, NaN, '5', null, undefined]
  const days = ['2026-11-2', '2026-11-288', ' 2026-11-28', '2026-11-28 ', '202-11-28', '2026/11/28', ['2026-11-28'], 20_261_128, undefined]
  const months = ['2026-1', '2026-111', ' 2026-11', '2026-11 ', '202-11', '2026/11', ['2026-11'], 202_611, undefined]
  const broken: unknown[] = [
    undefined, null, 7, 'text', [], {},
    ...counts.flatMap(value => [{ ...good, dayBytes: value }, { ...good, monthBytes: value }]),
    ...days.map(day => ({ ...good, day })),
    ...months.map(month => ({ ...good, month }))
  ]
  for (const value of broken) t.equal(readQuotaState(value), undefined, JSON.stringify(value) ?? 'undefined')
})

t.test('days and months are those of the calendar', async t => {
  const calendar = (now: number): void => {
    const text = new Date(now).toISOString()
    const state = new QuotaCounter({}, now).state(now)
    t.strictSame([state.day, state.month], [text.slice(0, 10), text.slice(0, 7)])
  }
  const edges = [
    '1970-01-01', '1999-12-31', '2000-02-29', '2000-03-01', '2100-02-28',
    '2100-03-01', '2024-02-29', '2026-12-31', '2400-02-29', '9999-12-31'
  ]
  for (const text of edges) {
    calendar(at(`${text}T00:00:00Z`))
    calendar(at(`${text}T23:59:59.999Z`))
  }
  fc.assert(fc.property(fc.integer({ min: 0, max: at('9999-12-31T23:59:59Z') }), now => {
    const text = new Date(now).toISOString()
    const state = new QuotaCounter({}, now).state(now)
    return state.day === text.slice(0, 10) && state.month === text.slice(0, 7)
  }), { seed: seedOf(t, SEED), numRuns: 300 })
})

t.test('what does not fit now fits when the next day or month begins', async t => {
  fc.assert(fc.property(fc.integer({ min: 0, max: at('2999-12-31T00:00:00Z') }), seconds => {
    const now = Math.floor(seconds / 1_000) * 1_000
    const date = new Date(now)
    const quota = new QuotaCounter({ quotaDay: 10 }, now)
    quota.add(now, 10)
    const month = new QuotaCounter({ quotaMonth: 10 }, now)
    month.add(now, 10)
    const nextDay = Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate() + 1)
    const nextMonth = Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1)
    return quota.retryAfter(now, 1) === (nextDay - now) / 1_000 && month.retryAfter(now, 1) === (nextMonth - now) / 1_000
  }), { seed: seedOf(t, SEED), numRuns: 300 })
  const now = at('2026-11-28T23:59:59.999Z')
  const both = new QuotaCounter({ quotaDay: 10, quotaMonth: 20 }, now)
  t.equal(both.retryAfter(now, 10), 0, 'all of it fits')
  t.equal(both.retryAfter(now, 11), 1, 'a second at least')
  t.equal(both.retryAfter(now, 21), 2 * 86_400 + 1, 'what the month has not waits for the next month')
  t.equal(new QuotaCounter({ quotaMonth: 20 }, now).retryAfter(now, 20), 0, 'a month of which all fits')
  both.add(now, 30)
  t.strictSame(both.left(now), { day: 0, month: 0 }, 'never below nothing')
})

t.test('no limit, a limit of zero, other limits from now on', async t => {
  const now = at('2026-11-28T12:00:00Z')
  for (const limits of [{}, { quotaDay: 0, quotaMonth: 0 }]) {
    const quota = new QuotaCounter(limits, now)
    quota.add(now, 1e15)
    t.strictSame([quota.left(now), quota.retryAfter(now, 1e15)], [{ day: Infinity, month: Infinity }, 0])
  }
  const quota = new QuotaCounter({ quotaDay: 5 }, now, { day: '2026-11-28', month: '2026-11', dayBytes: 4, monthBytes: 9 })
  t.strictSame(quota.left(now), { day: 1, month: Infinity })
  quota.setLimits({ quotaMonth: 10 })
  t.strictSame(quota.left(now), { day: Infinity, month: 1 })
})

t.test('what is handed out is a copy; a saved state of an earlier period counts for that only', async t => {
  const now = at('2026-11-28T12:00:00Z')
  const quota = new QuotaCounter({}, now, { day: '2026-11-27', month: '2026-11', dayBytes: 4, monthBytes: 9 })
  const state = quota.state(now)
  t.strictSame(state, { day: '2026-11-28', month: '2026-11', dayBytes: 0, monthBytes: 9 })
  state.monthBytes = 0
  t.equal(quota.state(now).monthBytes, 9)
  t.strictSame(quota.state(at('2026-12-01T00:00:00Z')), { day: '2026-12-01', month: '2026-12', dayBytes: 0, monthBytes: 0 })
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
