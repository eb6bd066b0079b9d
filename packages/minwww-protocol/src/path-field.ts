/** Field of a request on a stream to an exit: the path as the client's messages have measured it. */
export const PATH_FIELD = 'X-MinWWW-Path'
/** Longest round trip and largest rate that are told, ms and bytes/s. */
const MAX_RTT = 60_000
const MAX_RATE = 64 * 1_048_576
const THOUSAND = 1_000

export interface ToldPath {
  /** Smoothed round trip and its variation, ms. */
  readonly rtt: number
  readonly rttvar: number
  /** What the client grants, bytes/s of whole tunnel messages. */
  readonly rate: number
  /** Loss of tunnel messages, 0 to 1. */
  readonly loss: number
}

/** Four whole numbers: ms up to 60,000, ms, bytes/s up to 64 MiB, thousandths. */
export function formatPath ({ rtt, rttvar, rate, loss }: ToldPath): string {
  const whole = (value: number, least: number, most: number): number => Math.max(least, Math.min(most, Math.round(value)))
  return [whole(rtt, 1, MAX_RTT), whole(rttvar, 0, MAX_RTT), whole(rate, 1, MAX_RATE), whole(loss * THOUSAND, 0, THOUSAND)].join(' ')
}

const FORM = /^([1-9]\d{0,4}) (0|[1-9]\d{0,4}) ([1-9]\d{0,7}) (0|[1-9]\d{0,3})$/

/** Undefined for anything that `formatPath` does not write. */
export function parsePath (value: string | undefined): ToldPath | undefined {
  const [rtt = 0, rttvar = 0, rate = 0, thousandths = 0] = FORM.exec(value ?? '')?.slice(1).map(Number) ?? []
  if (rtt < 1 || rtt > MAX_RTT || rttvar > MAX_RTT || rate > MAX_RATE || thousandths > THOUSAND) return undefined
  return { rtt, rttvar, rate, loss: thousandths / THOUSAND }
}
