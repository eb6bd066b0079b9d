/** One symbol that came, and the bottleneck as it was known then. */
export interface Arrival { at: number, sent: number, bytes: number, bottleneck: number }

/** ms and bytes/s. */
export interface Flow { came: number, sent: number, arrival: number, pace: number }

/**
 * How long the symbols of the window took to be sent, and to come, ms; their rates. What came out of order is left out, and so
 * is the longest silence: on real routers it is a packet that a link sent again, or a gateway that waited for more. Where a
 * bottleneck spaces the symbols that changes nothing.
 */
export function flowOf (recent: readonly Arrival[]): Flow {
  let last = recent[0]!
  let silence = { came: 0, sent: 0, bytes: 0 }
  const sum = { came: 0, sent: 0, bytes: 0 }
  for (const arrival of recent) {
    if (arrival.sent < last.sent) continue
    const step = { came: arrival.at - last.at, sent: arrival.sent - last.sent, bytes: arrival.bytes }
    if (step.came > silence.came) silence = step
    for (const key of ['came', 'sent', 'bytes'] as const) sum[key] += step[key]
    last = arrival
  }
  const came = Math.max(1, sum.came - silence.came)
  const sent = sum.sent - silence.sent
  const bytes = sum.bytes - silence.bytes - recent[0]!.bytes
  return { came, sent, arrival: bytes * 1000 / came, pace: sent > 0 ? bytes * 1000 / sent : Infinity }
}
