/* eslint-disable no-restricted-globals -- Date is the calendar here: the time itself is an argument. */
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const MONTH = `(${MONTHS.join('|')})`
const TIME = '(\\d{2}):(\\d{2}):(\\d{2})'
const DAY = '(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)'
const LONG_DAY = '(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)'
const IMF = new RegExp(`^${DAY}, (\\d{2}) ${MONTH} (\\d{4}) ${TIME} GMT$`)
const RFC_850 = new RegExp(`^${LONG_DAY}, (\\d{2})-${MONTH}-(\\d{2}) ${TIME} GMT$`)
const ASCTIME = new RegExp(`^${DAY} ${MONTH} ([ \\d]\\d) ${TIME} (\\d{4})$`)

/** A year of two digits that would be more than this far ahead is of the century before (RFC 9110, section 5.6.7). */
const MAX_AHEAD = 50

/**
 * An HTTP-date in any of its three forms, all of them UTC (RFC 9110, section 5.6.7). `Date.parse` is no reader of them: it takes
 * asctime for local time, and much for a date that is none.
 * @param now - epoch ms, for years of two digits
 * @returns epoch ms, or undefined for what is no HTTP-date
 */
export function parseHttpDate (text: string, now: number): number | undefined {
  const imf = IMF.exec(text)
  if (imf !== null) return instant(imf[3]!, imf[2]!, imf[1]!, imf[4]!, imf[5]!, imf[6]!)
  const asctime = ASCTIME.exec(text)
  if (asctime !== null) return instant(asctime[6]!, asctime[1]!, asctime[2]!, asctime[3]!, asctime[4]!, asctime[5]!)
  const old = RFC_850.exec(text)
  if (old === null) return undefined
  const present = new Date(now).getUTCFullYear()
  const year = present - present % 100 + Number(old[3])
  const at = (year: number): number | undefined => instant(String(year), old[2]!, old[1]!, old[4]!, old[5]!, old[6]!)
  return at(year > present + MAX_AHEAD ? year - 100 : year <= present - 100 + MAX_AHEAD ? year + 100 : year)
}

function instant (year: string, month: string, day: string, hour: string, minute: string, second: string): number | undefined {
  const [y, m, d] = [Number(year), MONTHS.indexOf(month), Number(day)]
  const [h, min, s] = [Number(hour), Number(minute), Number(second)]
  if (h > 23 || min > 59 || s > 60) return undefined
  // Date.UTC reads years below 100 as of the twentieth century.
  const date = new Date(0)
  date.setUTCFullYear(y, m, d)
  if (date.getUTCMonth() !== m || date.getUTCDate() !== d) return undefined
  date.setUTCHours(h, min, Math.min(s, 59))
  return date.getTime()
}

/** In the form that everybody sends, IMF-fixdate. @param at - epoch ms */
export const formatHttpDate = (at: number): string => new Date(at).toUTCString()

/** Long past: what an invalid Expires means (RFC 9111, section 5.3). */
const PAST = formatHttpDate(0)

/**
 * Fields of a response as the rules of caching read them: dates in one form, an invalid Expires as long past, an invalid Date,
 * Last-Modified or Age left out, an Age of several members cut to its first (RFC 9111, sections 4.2, 5.1 and 5.3).
 * @param fields - names in lower case
 */
export function withReadDates<T extends string | string[] | undefined> (
  fields: Record<string, T>, now: number
): Record<string, T | string> {
  const read: Record<string, T | string> = { ...fields }
  for (const name of ['date', 'last-modified', 'expires']) {
    const value = fields[name]
    if (value === undefined) continue
    const at = parseHttpDate(String(value).trim(), now)
    if (at !== undefined) read[name] = formatHttpDate(at)
    else if (name === 'expires') read[name] = PAST
    else delete read[name]
  }
  const age = fields.age === undefined ? undefined : String(fields.age).split(',', 1)[0]!.trim()
  if (age !== undefined && /^\d{1,10}$/.test(age)) read.age = age
  else delete read.age
  return read
}
