/** Field of a request on a stream to an exit: the round trip to it and its variation, as the client's messages have measured them. */
export const RTT_FIELD = 'X-MinWWW-RTT'
/** Longest that is told, ms. */
const MAX_RTT = 60_000

/** ms */
export interface ToldRtt { readonly rtt: number, readonly rttvar: number }

/** Two whole numbers of ms, at most 60,000. */
export function formatRtt ({ rtt, rttvar }: ToldRtt): string {
  const whole = (ms: number, least: number): number => Math.max(least, Math.min(MAX_RTT, Math.round(ms)))
  return `${whole(rtt, 1)} ${whole(rttvar, 0)}`
}

/** Undefined for anything that `formatRtt` does not write. */
export function parseRtt (value: string | undefined): ToldRtt | undefined {
  const match = /^([1-9]\d{0,4}) (0|[1-9]\d{0,4})$/.exec(value ?? '')
  if (match === null) return undefined
  const [rtt, rttvar] = [Number(match[1]), Number(match[2])]
  return rtt > MAX_RTT || rttvar > MAX_RTT ? undefined : { rtt, rttvar }
}
