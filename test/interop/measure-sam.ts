/**
 * Throughput of @minwww/http over I2CP against @diva.exchange/i2p-sam over SAM, through the same i2pd, in turns:
 *   node --conditions=@minwww/source --import tsx test/interop/measure-sam.ts [KB] [runs] [delay ms]
 * Both fetch from, and upload to, the same web site behind an i2pd server tunnel, over 1-hop tunnels. Needs root and i2pd.
 */
import { createStream } from '@diva.exchange/i2p-sam'
import type { I2pSamStream } from '@diva.exchange/i2p-sam'
import { createI2p } from '@minwww/http'
import { reproducibleBytes } from '../testnet/bytes.mjs'
import { networkMissing, startNetwork } from '../testnet/network.ts'

const [kilobytes = 1000, runs = 10, delay = 0] = process.argv.slice(2).map(Number)
const SIZE = kilobytes * 1000
const CLIENT = 3
const SAM_PORT = 7656
const LIMIT = 120_000
const TUNNELS = {
  'inbound.length': 1, 'outbound.length': 1, 'inbound.quantity': 2, 'outbound.quantity': 2, 'i2cp.leaseSetEncType': '4'
} as const

const missing = networkMissing({ emulatedLinks: delay > 0 })
if (missing !== undefined) throw new Error(missing)
const network = await startNetwork({ hops: [1], sam: true, ...(delay > 0 && { delay }) })
try {
  const site = network.site(1)
  const { host, port: portTCP } = await network.forward({ host: network.i2cp(CLIENT).host, port: SAM_PORT })
  const i2p = await createI2p({ router: { connect: () => network.connect(CLIENT) }, options: TUNNELS })
  const body = reproducibleBytes(SIZE, 7)
  const options = Object.entries(TUNNELS).map(([name, value]) => `${name}=${value}`).join(' ')
  // A stream of i2p-sam is a session of its own, and i2pd's server tunnel closes a stream after one answer. Session and stream
  // are opened before the clock runs, to the advantage of SAM: ours opens its stream within the measured time.
  const openSam = async (): Promise<I2pSamStream> => await createStream({
    sam: { host, portTCP, timeout: 120 }, stream: { destination: site }, session: { options }
  })
  const rows: Record<string, number[]> = { 'http down': [], 'sam down': [], 'http up': [], 'sam up': [] }
  const measure = async (name: string, job: () => Promise<unknown>): Promise<void> => {
    const start = performance.now()
    try {
      await job()
      rows[name]!.push(SIZE / (performance.now() - start))
    } catch (error) {
      console.log(`${name}: ${String(error)}`)
    }
  }
  const measureSam = async (name: string, parts: Buffer[], expected?: number): Promise<void> => {
    const stream = await again(openSam)
    console.log('sam open')
    await measure(name, async () => await exchange(stream, parts, expected))
    stream.close()
  }
  const down = async (): Promise<void> => {
    const response = await i2p.fetch(`http://${site}/bytes/${SIZE}`, { signal: AbortSignal.timeout(LIMIT) })
    if ((await response.arrayBuffer()).byteLength !== SIZE) throw new Error('cut off')
  }
  const up = async (): Promise<void> => {
    const response = await i2p.fetch(`http://${site}/digest`, { method: 'POST', body, signal: AbortSignal.timeout(LIMIT) })
    if (((await response.json()) as { length: number }).length !== SIZE) throw new Error('cut off')
  }
  const head = (line: string): Buffer => Buffer.from(`${line} HTTP/1.1\r\nHost: ${site}\r\n`)
  console.log('ready')
  await again(down)
  for (let run = 0; run < runs; run++) {
    await measure('http down', down)
    await measureSam('sam down', [head(`GET /bytes/${SIZE}`), Buffer.from('\r\n')], SIZE)
    await measure('http up', up)
    await measureSam('sam up', [head('POST /digest'), Buffer.from(`Content-Length: ${SIZE}\r\n\r\n`), body])
  }
  for (const [name, values] of Object.entries(rows)) {
    const sorted = values.sort((left, right) => left - right)
    const at = (part: number): string => (sorted[Math.floor((sorted.length - 1) * part)] ?? 0).toFixed(0)
    console.log(`${name.padEnd(10)} median ${at(0.5)} KB/s, ${at(0)} to ${at(1)}, ${sorted.length} of ${runs} runs`)
  }
  await i2p.close()
} finally {
  await network.stop()
}

/** Writes a request, and waits for the whole answer: a head, and a body of the length that the head says or chunks. */
async function exchange (stream: I2pSamStream, parts: Buffer[], expected?: number): Promise<void> {
  const ended = new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('too slow')), LIMIT)
    let received = Buffer.alloc(0)
    let count = 0
    let headEnd = -1
    const done = (error?: Error): void => {
      clearTimeout(timer)
      stream.off('data', take)
      stream.off('close', closed)
      if (error === undefined) resolve()
      else reject(error)
    }
    const closed = (): void => done(new Error('closed'))
    const take = (chunk: Buffer): void => {
      count += chunk.length
      if (received.length < 20_000) received = Buffer.concat([received, chunk])
      if (headEnd < 0) headEnd = received.indexOf('\r\n\r\n')
      if (headEnd < 0) return
      const bytes = count - headEnd - 4
      // Chunked when the site does not know the length: its last chunk ends the answer.
      if (expected === undefined ? chunk.includes('}') : bytes >= expected) done()
    }
    stream.on('data', take)
    stream.once('close', closed)
  })
  for (const part of parts) stream.stream(part)
  await ended
}

async function again<T> (attempt: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt()
    } catch (error) {
      if (tries === 10) throw error
      console.log(String(error))
    }
  }
}
