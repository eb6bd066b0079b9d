import { DEPTH_TIME, TUNNEL_BYTES } from '@minwww/protocol'
import { SeededRandom } from '@minwww/testkit'
import { RateController } from '../src/core/rate-controller.ts'

const KB = 1024
/** Every symbol is four tunnel messages. */
const SYMBOL = 4 * TUNNEL_BYTES

/** A path and what goes over it; times in ms, rates in bytes/s. */
export interface LinkOptions {
  rtt: number
  /** What the bottleneck carries at a time. */
  carries: (now: number) => number
  /** Longest wait in its drop-tail queue. */
  queue?: number
  /** Share of symbols lost elsewhere. */
  loss?: number
  /** Most that a symbol is late by chance. */
  jitter?: number
  duration: number
  /** Whether the exit has something to send at a time. */
  busy?: (now: number) => boolean
  seed?: number
}

export interface Reading { at: number, grant: number, queue: number, goodput: number }
export interface LinkResult { readings: Reading[], sent: number, dropped: number, controller: RateController }

/** One exit that always sends what it is granted, half a round trip later, over one bottleneck. A reading every round trip. */
export function runLink ({
  rtt, carries, queue = 1_000, loss = 0, jitter = 0, duration, busy = () => true, seed = 1
}: LinkOptions): LinkResult {
  const random = new SeededRandom(seed)
  const controller = new RateController({ initial: 128 * KB, window: 140, least: 2 * KB, most: 64 * KB * KB })
  const path = { srtt: rtt }
  controller.begin(path)
  const grants = [{ at: -rtt, rate: controller.grant }]
  const grantAt = (now: number): number => grants.findLast(({ at }) => at <= now - rtt / 2)?.rate ?? controller.grant
  const arrivals: Array<{ at: number, sent: number }> = []
  const readings: Reading[] = []
  let [level, free, sent, dropped, came, waits] = [grantAt(0) * DEPTH_TIME / 1000, 0, 0, 0, 0, 0]
  let [lost, counted] = [0, 0]
  for (let now = 0; now < duration; now++) {
    const rate = grantAt(now)
    level = Math.min(Math.max(16 * TUNNEL_BYTES, Math.min(190 * TUNNEL_BYTES, rate * DEPTH_TIME / 1000)), level + rate / 1000)
    for (; level >= SYMBOL && busy(now); level -= SYMBOL) {
      sent++
      counted++
      const capacity = carries(now)
      if (free - now > queue) {
        dropped++
        lost++
        continue
      }
      free = Math.max(free, now) + SYMBOL * 1000 / capacity
      if (random.number() < loss) lost++
      else arrivals.push({ at: free + rtt / 2 + random.number() * jitter, sent: now })
    }
    arrivals.sort((a, b) => a.at - b.at)
    while ((arrivals[0]?.at ?? Infinity) <= now) {
      const { at, sent: time } = arrivals.shift()!
      came += SYMBOL
      waits = Math.max(0, at - time - rtt / 2 - SYMBOL * 1000 / carries(now))
      controller.arrived(now, time & 0xffff, SYMBOL, 1_000 * KB, path)
    }
    // What `ExitPath` calls more than chance explains, of the symbols of some round trips.
    if (now % (4 * rtt) === 0) {
      if (lost > 7 && lost > 0.2 * counted && !controller.isCongested) controller.congestion(now, path)
      lost = counted = 0
    }
    if (controller.grant !== grants.at(-1)!.rate) grants.push({ at: now, rate: controller.grant })
    if (now % rtt === rtt - 1) {
      readings.push({ at: now + 1, grant: controller.grant, queue: waits, goodput: came * 1000 / rtt })
      came = 0
    }
  }
  return { readings, sent, dropped, controller }
}

/** The readings as a table that can be compared. */
export function tableOf ({ readings, sent, dropped }: LinkResult): string {
  const rows = readings.map(({ at, grant, queue, goodput }) =>
    [at, Math.round(grant / KB), Math.round(queue), Math.round(goodput / KB)].join('\t')
  )
  return ['ms\tgrant\tqueue\tcame', ...rows, `dropped ${(100 * dropped / sent).toFixed(1)} %`].join('\n')
}
