/**
 * Many streams at once over one session on the embedded router: time, memory, and what was sent again.
 * npx tsx --conditions=@minwww/source packages/streaming/test/measure/streams.ts [streams] [bytes each] [one-way ms] [loss 0..1]
 */
import { createSession } from '@minwww/i2cp'
import { createLocalRouter } from '@minwww/local-router'
import { createStreamManager } from '../../src/index.ts'
import type { StreamSocket } from '../../src/index.ts'

const [streams = 1_000, size = 65_536, latency = 50, loss = 0] = process.argv.slice(2).map(Number)
const MEGABYTE = 1_048_576

const router = createLocalRouter({ seed: 1, latency, loss })
const [a, b] = await Promise.all([0, 1].map(() => createSession({ connect: () => router.connect() })))
const client = createStreamManager(a!)
const server = createStreamManager(b!)
server.createServer({ allowHalfOpen: true }, socket => { socket.pipe(socket) }).listen()

const data = Buffer.alloc(size, 'streams ')
const cpu = process.cpuUsage()
const start = performance.now()
let peakMemory = 0
let peakUnread = 0
const sampler = setInterval(() => {
  peakMemory = Math.max(peakMemory, process.memoryUsage().rss)
  peakUnread = Math.max(peakUnread, client.statistics.unreadBytes, server.statistics.unreadBytes)
}, 50)
const baseline = process.memoryUsage().rss

const totals = { packets: 0, again: 0, timeouts: 0 }
async function echo (): Promise<void> {
  const socket: StreamSocket = client.connect({ destination: b!.destination, allowHalfOpen: true })
  socket.end(data)
  let received = 0
  for await (const chunk of socket) received += (chunk as Buffer).length
  if (received !== size) throw new Error(`${received} of ${size} bytes came back`)
  totals.packets += socket.statistics.packetsSent
  totals.again += socket.statistics.retransmissions
  totals.timeouts += socket.statistics.timeouts
}
await Promise.all(Array.from({ length: streams }, echo))

const seconds = (performance.now() - start) / 1_000
const used = process.cpuUsage(cpu)
clearInterval(sampler)
console.log(JSON.stringify({
  streams,
  size,
  latency,
  loss,
  seconds: +seconds.toFixed(1),
  cpuSeconds: +((used.user + used.system) / 1e6).toFixed(1),
  echoedMBps: +(streams * size / MEGABYTE / seconds).toFixed(1),
  memoryMB: { before: Math.round(baseline / MEGABYTE), peak: Math.round(peakMemory / MEGABYTE) },
  peakUnreadMB: +(peakUnread / MEGABYTE).toFixed(1),
  ...totals
}))
client.close()
server.close()
await Promise.all([a!.close(), b!.close()])
await router.close()
