import t from 'tap'
import { formatHttpDate, parseHttpDate, withReadDates } from '../src/http-date.ts'

const NOW = Date.UTC(2026, 10, 28)
const AT = Date.UTC(1994, 10, 6, 8, 49, 37)
const ZONE = process.env.TZ

t.afterEach(() => {
  if (ZONE === undefined) delete process.env.TZ
  else process.env.TZ = ZONE
})

for (const zone of ['UTC', 'America/New_York', 'Asia/Kolkata']) {
  t.test(`dates, with the clock's zone set to ${zone}`, async t => {
    process.env.TZ = zone
    const right = [
      'Sun, 06 Nov 1994 08:49:37 GMT', 'Sunday, 06-Nov-94 08:49:37 GMT', 'Sun Nov  6 08:49:37 1994', 'Mon Nov 06 08:49:37 1994'
    ]
    for (const text of right) t.equal(parseHttpDate(text, NOW), AT, text)
    t.equal(parseHttpDate('Friday, 27-Nov-76 00:00:00 GMT', NOW), Date.UTC(2076, 10, 27), 'fifty years ahead')
    t.equal(parseHttpDate('Saturday, 27-Nov-77 00:00:00 GMT', NOW), Date.UTC(1977, 10, 27), 'more is the century before')
    t.equal(parseHttpDate('Saturday, 01-Jan-00 00:00:00 GMT', Date.UTC(1999, 0, 1)), Date.UTC(2000, 0, 1), 'over the turn of a century')
    t.equal(parseHttpDate('Thu, 29 Feb 2024 23:59:60 GMT', NOW), Date.UTC(2024, 1, 29, 23, 59, 59), 'a leap second')
    t.equal(formatHttpDate(AT), 'Sun, 06 Nov 1994 08:49:37 GMT')
    const none = [
      '', '0', '-1', 'now', '2026-11-28', 'Sun, 06 Nov 1994 08:49:37', 'Sun, 06 Nov 1994 08:49:37 UTC', 'Sun, 06 Nov 1994 08:49:37 +0000',
      'Sun, 6 Nov 1994 08:49:37 GMT', 'sun, 06 nov 1994 08:49:37 gmt', 'Sun, 06-Nov-1994 08:49:37 GMT', 'Sun,06 Nov 1994 08:49:37 GMT',
      'Sun, 06 Nov 94 08:49:37 GMT', 'Sun, 31 Nov 1994 08:49:37 GMT', 'Sun, 29 Feb 2023 08:49:37 GMT', 'Sun, 06 Nov 1994 24:00:00 GMT',
      'Sun, 06 Nov 1994 08:60:00 GMT', 'Sun, 06 Nov 1994 8:49:37 GMT', '06 Nov 1994 08:49:37 GMT',
      'Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT'
    ]
    for (const text of none) t.equal(parseHttpDate(text, NOW), undefined, text)
  })
}

t.test('fields as the rules of caching read them', async t => {
  const past = 'Thu, 01 Jan 1970 00:00:00 GMT'
  const read = (fields: Record<string, string>): Record<string, string> => withReadDates(fields, NOW)
  t.strictSame(read({ date: 'Sun Nov  6 08:49:37 1994', expires: '0', etag: '"x"' }),
    { date: 'Sun, 06 Nov 1994 08:49:37 GMT', expires: past, etag: '"x"' })
  t.strictSame(read({ date: 'yesterday', 'last-modified': '2026-11-28' }), {}, 'no dates')
  for (const [age, kept] of [['7200', '7200'], ['7200, 3', '7200'], ['0', '0']] as const) t.equal(read({ age }).age, kept, age)
  for (const age of ['7200.0', '-1', '1e3', '']) t.equal(read({ age }).age, undefined, age)
})
