/** The measurements of measure.ts; each prints its lines. */
import { setTimeout as sleep } from 'node:timers/promises'
import { MAX_PAYLOAD, TYPE, encodeGzipPayload, encodeMessage, type Session } from '@minwww/i2cp'

export interface Pair {
  from: Session
  to: Session
  /** Writes a frame past the session of `from`, and that session's id on the wire. */
  raw: { write: (frame: Buffer) => void, sessionId: () => number }
}

const PROTOCOL = 18
/** The gzip container around a payload, bytes. */
const CONTAINER = 23
const HEADER = 8 // id of the run, index in it
const SETTLE_MS = 2000
const PUBLISH_LIMIT_MS = 60_000

interface Sent { arrived: number[], order: number[] }

let runs = 0

/** Sends `count` messages of `size` bytes, `gap` ms apart (0: back to back), and waits for the stragglers. */
async function train ({ from, to }: Pick<Pair, 'from' | 'to'>, size: number, count: number, gap: number): Promise<Sent> {
  const run = ++runs
  const times: number[] = []
  const result: Sent = { arrived: new Array<number>(count).fill(NaN), order: [] }
  const receive = ({ payload }: { payload: Buffer }): void => {
    if (payload.length < HEADER || payload.readUInt32BE(0) !== run) return
    const index = payload.readUInt32BE(4)
    result.arrived[index] = performance.now() - (times[index] ?? NaN)
    result.order.push(index)
  }
  to.on('message', receive)
  for (let index = 0; index < count; index++) {
    const payload = Buffer.alloc(Math.max(size, HEADER))
    payload.writeUInt32BE(run, 0)
    payload.writeUInt32BE(index, 4)
    times[index] = performance.now()
    from.send(to.destination, payload, { protocol: PROTOCOL })
    if (gap > 0) await sleep(gap)
  }
  for (let waited = 0; waited < SETTLE_MS && result.order.length < count; waited += 50) await sleep(50)
  to.off('message', receive)
  return result
}

const quantile =
  (sorted: number[], share: number): string => (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN).toFixed(0)

function summary ({ arrived, order }: Sent): string {
  const times = arrived.filter(time => !Number.isNaN(time)).sort((a, b) => a - b)
  const late = order.filter((index, position) => order.slice(0, position).some(earlier => earlier > index)).length
  return `${times.length} of ${arrived.length} arrived, ms p50 ${quantile(times, 0.5)} p95 ${quantile(times, 0.95)} max ` +
    `${quantile(times, 1)}, ` +
    `${late} overtaken, ${order.length - times.length} twice`
}

/** Payload (with the 23 bytes of the container) that fits m tunnel messages in i2pd and Java. */
const fits = (m: number): number => Math.min(996 * m - 174, 61_440)

/** Loss and delay by size, one message at a time. */
export async function loss (pair: Pair): Promise<void> {
  for (const m of [1, 2, 4, 8, 16, 61]) {
    const sent = await train(pair, fits(m) - CONTAINER, 60, 50)
    console.log(`loss: ${m} tunnel messages (${fits(m)} bytes): ${summary(sent)}`)
  }
}

/** Whole trains back to back: what a gateway's queue takes. */
export async function burst (pair: Pair): Promise<void> {
  for (const [m, count] of [[1, 24], [1, 64], [1, 165], [2, 73], [4, 35], [8, 17], [61, 3]] as const) {
    let complete = 0
    let lost = 0
    for (let n = 0; n < 10; n++) {
      const { arrived } = await train(pair, fits(m) - CONTAINER, count, 0)
      const missing = arrived.filter(Number.isNaN).length
      lost += missing
      if (missing === 0) complete++
      await sleep(300)
    }
    console.log(`burst: ${count} x ${m} tunnel messages back to back: ${complete} of 10 complete, ${(lost / count * 10).toFixed(1)} % lost`)
  }
}

/** Largest payload: three tries a size. Sizes above our own limit are framed by hand, as send() refuses them. */
export async function payload (pair: Pair): Promise<void> {
  for (const size of [24, 1000, 30_000, 60_000, 61_440, 61_463, 62_000, 62_400, 62_577, 62_600, 62_700]) {
    let arrived = 0
    const receive = ({ payload }: { payload: Buffer }): void => {
      if (payload.length === Math.max(0, size - CONTAINER)) arrived++
    }
    pair.to.on('message', receive)
    for (let n = 0; n < 3; n++) {
      sendUnchecked(pair, size)
      await sleep(400)
    }
    await sleep(800)
    pair.to.off('message', receive)
    console.log(`payload: ${size} bytes with container: ${arrived} of 3 arrived`)
  }
}

function sendUnchecked ({ from, to, raw }: Pair, size: number): void {
  const payload = Buffer.alloc(Math.max(0, size - CONTAINER))
  if (payload.length <= MAX_PAYLOAD) {
    from.send(to.destination, payload, { protocol: PROTOCOL })
    return
  }
  raw.write(encodeMessage({
    type: TYPE.SendMessageExpires,
    sessionId: raw.sessionId(),
    destination: to.destination,
    payload: encodeGzipPayload({ protocol: PROTOCOL, fromPort: 0, toPort: 0, payload }),
    nonce: 0,
    flags: 0,
    expiration: Date.now() + 60_000
  }))
}

/** How long after "ready" a session's LeaseSet is found from elsewhere: ten sessions, one after the other. */
export async function publish (open: () => Promise<Session>, probes: Session[]): Promise<void> {
  for (let n = 0; n < 10; n++) {
    const session = await open()
    const started = performance.now()
    const found = await Promise.all(probes.map(async probe => {
      for (let tries = 1; performance.now() - started < PUBLISH_LIMIT_MS; tries++) {
        if (await probe.lookupHash(session.destination.hash, { timeout: 10_000 }).then(() => true, () => false)) {
          return `${((performance.now() - started) / 1000).toFixed(1)} s (look-up ${tries})`
        }
        await sleep(500)
      }
      return `not within ${PUBLISH_LIMIT_MS / 1000} s`
    }))
    console.log(
      `publish: session ${n} found from the other routers after ${found.join(', ')}; ${session.stats.leaseSetsCreated} LeaseSets made`
    )
    await session.close()
  }
}

/** Every directed pair of sessions: dead paths show as rows of losses. */
export async function paths (sessions: Session[]): Promise<void> {
  for (const [i, from] of sessions.entries()) {
    for (const [j, to] of sessions.entries()) {
      if (i !== j) console.log(`paths: session ${i} to ${j}: ${summary(await train({ from, to }, 800, 60, 50))}`)
    }
  }
}
