/** What has been used, as it is written to disk. */
export interface QuotaState {
  /** UTC day, `2026-11-22`. */
  day: string
  /** UTC month, `2026-11`. */
  month: string
  /** Bytes of that day and of that month, both directions together. */
  dayBytes: number
  monthBytes: number
}

export interface QuotaLimits {
  /** Bytes; 0 or absent is unlimited. */
  quotaDay?: number
  quotaMonth?: number
}

export interface QuotaLeft {
  /** Bytes left, Infinity without a limit, never negative. */
  day: number
  month: number
}

/**
 * Bytes of the day and of the month (UTC). A clock that is set back does not open a period again: what has been used
 * stays used until a later period begins.
 */
export class QuotaCounter {
  #state: QuotaState
  #limits: QuotaLimits

  constructor (limits: QuotaLimits, now: number, saved?: QuotaState) {
    this.#limits = limits
    this.#state = saved ?? { ...periodsOf(now), dayBytes: 0, monthBytes: 0 }
  }

  setLimits (limits: QuotaLimits): void {
    this.#limits = limits
  }

  add (now: number, bytes: number): void {
    this.#roll(now)
    this.#state.dayBytes += bytes
    this.#state.monthBytes += bytes
  }

  state (now: number): QuotaState {
    this.#roll(now)
    return { ...this.#state }
  }

  left (now: number): QuotaLeft {
    this.#roll(now)
    return {
      day: leftOf(this.#limits.quotaDay, this.#state.dayBytes),
      month: leftOf(this.#limits.quotaMonth, this.#state.monthBytes)
    }
  }

  /** Seconds until so many bytes fit again; 0 if they fit now. */
  retryAfter (now: number, bytes: number): number {
    const { day, month } = this.left(now)
    if (month < bytes) return secondsUntil(now, nextMonth(this.#state.month))
    if (day < bytes) return secondsUntil(now, nextDay(this.#state.day))
    return 0
  }

  #roll (now: number): void {
    const { day, month } = periodsOf(now)
    if (month > this.#state.month) this.#state = { ...this.#state, month, monthBytes: 0 }
    if (day > this.#state.day) this.#state = { ...this.#state, day, dayBytes: 0 }
  }
}

/** A state as read from disk, or undefined if it is none. */
export function readQuotaState (value: unknown): QuotaState | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { day, month, dayBytes, monthBytes } = value as Partial<QuotaState>
  if (typeof day !== 'string' || !/^\d{4}-\d{2}-\d{2}$/.test(day)) return undefined
  if (typeof month !== 'string' || !/^\d{4}-\d{2}$/.test(month)) return undefined
  if (!isCount(dayBytes) || !isCount(monthBytes)) return undefined
  return { day, month, dayBytes, monthBytes }
}

function isCount (value: unknown): value is number {
  return Number.isFinite(value) && (value as number) >= 0
}

function leftOf (limit: number | undefined, used: number): number {
  return limit === undefined || limit === 0 ? Infinity : Math.max(0, limit - used)
}

// ISO 8601 text of a moment sorts like the moment, for years of four digits; no clock is read here.
function periodsOf (now: number): { day: string, month: string } {
  const { year, month, day } = civil(Math.floor(now / DAY))
  const text = `${year}-${pad(month)}`
  return { day: `${text}-${pad(day)}`, month: text }
}

const DAY = 86_400_000

function nextDay (day: string): number {
  return epochDay(day) * DAY + DAY
}

function nextMonth (month: string): number {
  const [year = 1970, number = 1] = month.split('-').map(Number)
  // Month 13 is the next year's first: epochDay counts on.
  return epochDay(`${year}-${pad(number + 1)}-01`) * DAY
}

// Periods are rolled first: `then` is later than now.
function secondsUntil (now: number, then: number): number {
  return Math.ceil((then - now) / 1_000)
}

function pad (value: number): string {
  return String(value).padStart(2, '0')
}

// Days since 1970-01-01 in the proleptic Gregorian calendar, by eras of 400 years that begin on 1 March.
const ERA_DAYS = 146_097
const EPOCH_SHIFT = 719_468

function civil (epoch: number): { year: number, month: number, day: number } {
  const shifted = epoch + EPOCH_SHIFT
  const era = Math.floor(shifted / ERA_DAYS)
  const dayOfEra = shifted - era * ERA_DAYS
  const leapDays = Math.floor(dayOfEra / 1_460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096)
  const yearOfEra = Math.floor((dayOfEra - leapDays) / 365)
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153)
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  return { year, month, day: dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1 }
}

function epochDay (text: string): number {
  const [year = 1970, month = 1, day = 1] = text.split('-').map(Number)
  const shiftedYear = month <= 2 ? year - 1 : year
  const era = Math.floor(shiftedYear / 400)
  const yearOfEra = shiftedYear - era * 400
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1
  return era * ERA_DAYS + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - EPOCH_SHIFT
}
