/**
 * Throughput of @minwww/http over I2CP against @diva.exchange/i2p-sam over SAM, through the same i2pd, in turns:
 *   node --conditions=@minwww/source --import tsx test/interop/measure-sam.ts [KB] [runs] [delay ms]
 * Each fetches from, and uploads to, the same web site behind an i2pd server tunnel, over 1-hop tunnels, every time in a new session
 * whose stream stands before the clock runs. Needs root and i2pd.
 */
import { once } from 'node:events'
import type { EventEmitter } from 'node:events'
import { fileURLToPath } from 'node:url'
import { createStream } from '@diva.exchange/i2p-sam'
import { createI2p } from '@minwww/http'
import { reproducibleBytes } from '../testnet/bytes.mjs'
import { networkMissing, startNetwork } from '../testnet/network.ts'

const [kilobytes = 1000, runs = 10, delay = 0] = process.argv.slice(2, 5).map(Number)
const SIZE = kilobytes * 1000
const CLIENT = 3
const SAM_PORT = 7656
const LIMIT = 120_000
/** For a session of i2p-sam and its stream, s. */
const OPEN = 45
const TUNNELS = {
  'inbound.length': 1, 'outbound.length': 1, 'inbound.quantity': 2, 'outbound.quantity': 2, 'i2cp.leaseSetEncType': '4'
} as const

const ROUTER = `10.77.0.${CLIENT}`

const [place = '', site = ''] = process.argv.slice(5)
if (place === 'inside') await compare()
else await startInside()

/** The client runs in the namespace of the network, so that nothing of ours stands between it and its router. */
async function startInside (): Promise<void> {
  const missing = networkMissing({ emulatedLinks: delay > 0 })
  if (missing !== undefined) throw new Error(missing)
  const network = await startNetwork({ hops: [1], sam: true, ...(delay > 0 && { delay }) })
  try {
    const child = network.exec(process.execPath, [
      ...process.execArgv, fileURLToPath(import.meta.url), ...[kilobytes, runs, delay].map(String), 'inside', network.site(1)
    ], { stdio: 'inherit' })
    await once(child, 'exit')
  } finally {
    await network.stop()
  }
}

/** A stream of either, in a session of its own: i2p-sam makes one for each. */
interface Stream { write (bytes: Buffer): void, events: EventEmitter, close (): Promise<void> }

async function openSam (): Promise<Stream> {
  const options = Object.entries(TUNNELS).map(([name, value]) => `${name}=${value}`).join(' ')
  const sam = { host: ROUTER, portTCP: SAM_PORT, timeout: OPEN }
  const stream = await createStream({ sam, stream: { destination: site }, session: { options } })
  stream.on('error', () => {}) // 'close' follows
  return { write: bytes => { stream.stream(bytes) }, events: stream, close: async () => { stream.close() } }
}

async function openHttp (): Promise<Stream> {
  const i2p = await createI2p({ router: `${ROUTER}:7654`, session: { allowPlainRemote: true }, options: TUNNELS })
  try {
    const socket = await i2p.connect({ host: site, port: 80, signal: AbortSignal.timeout(OPEN * 1000) })
    socket.on('error', () => {}) // 'close' follows
    return { write: bytes => { socket.write(bytes) }, events: socket, close: async () => await i2p.close() }
  } catch (error) {
    await i2p.close()
    throw error
  }
}

async function compare (): Promise<void> {
  const body = reproducibleBytes(SIZE, 7)
  const head = (line: string): Buffer => Buffer.from(`${line} HTTP/1.1\r\nHost: ${site}\r\n`)
  const jobs: Record<string, [parts: Buffer[], expected?: number]> = {
    down: [[head(`GET /bytes/${SIZE}`), Buffer.from('\r\n')], SIZE],
    up: [[head('POST /digest'), Buffer.from(`Content-Length: ${SIZE}\r\n\r\n`), body]]
  }
  const rows: Record<string, number[]> = {}
  // i2pd 2.45.1 dies after eight to fifteen sessions that come and go, by SAM and by I2CP: what was measured until then is printed.
  const transfers = Array.from({ length: runs }, () => Object.entries(jobs)).flat()
  try {
    for (const [direction, [parts, expected]] of transfers) {
      for (const [library, open] of Object.entries({ http: openHttp, sam: openSam })) {
        const name = `${library} ${direction}`
        const stream = await again(open)
        const start = performance.now()
        try {
          await exchange(stream, parts, expected)
          const rate = SIZE / (performance.now() - start)
          ;(rows[name] ??= []).push(rate)
          console.log(`${name}: ${rate.toFixed(0)} KB/s`)
        } catch (error) {
          console.log(`${name}: ${String(error)}`)
        }
        await stream.close()
      }
    }
  } catch (error) {
    console.log(String(error))
    process.exitCode = 1
  }
  for (const [name, values] of Object.entries(rows)) {
    const sorted = values.sort((left, right) => left - right)
    const at = (part: number): string => (sorted[Math.floor((sorted.length - 1) * part)] ?? 0).toFixed(0)
    console.log(`${name.padEnd(10)} median ${at(0.5)} KB/s, ${at(0)} to ${at(1)}, ${sorted.length} of ${runs} runs`)
  }
}

/** Writes a request, and waits for the whole answer: a head, and a body of the length that the head says or chunks. */
async function exchange (stream: Stream, parts: Buffer[], expected?: number): Promise<void> {
  const ended = new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('too slow')), LIMIT)
    let received = Buffer.alloc(0)
    let count = 0
    let headEnd = -1
    const done = (error?: Error): void => {
      clearTimeout(timer)
      stream.events.off('data', take)
      stream.events.off('close', closed)
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
    stream.events.on('data', take)
    stream.events.once('close', closed)
  })
  for (const part of parts) stream.write(part)
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
