// Processes that are really suspended in the middle of a transfer: the application behind a tunnel, and a whole peer.
import t, { type Test } from 'tap'
import { spawn, type ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { Readable, pipeline } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createSession } from '@minwww/i2cp'
import { createLocalRouter } from '@minwww/local-router'
import { seeded, SeededRandom } from '@minwww/testkit'
import { createStreamManager, forwardFromTcp } from '../src/index.ts'
import type { StreamManager, StreamSocket } from '../src/index.ts'

t.setTimeout(180_000)

const READER = fileURLToPath(new URL('support/reader.ts', import.meta.url))
const CHUNK = 65_536
/** Sent after the reader runs again, chunks. */
const REST = 16
/** What a stream holds at most: two windows, since what waits for a gap may come to what has not been read (ADR 0085). */
const MOST_UNREAD = 2 * 130 * (1_812 + 128)
const DATA_PORT = 1
const ECHO_PORT = 2

interface Address { host: string, port: number }
interface Place { client: StreamManager, server: StreamManager, router: Address }

/** Two sessions on one router, all over TCP. */
async function place (t: Test): Promise<Place> {
  const router = createLocalRouter({ seed: 8, latency: 2 })
  const address = await router.listen({ host: '127.0.0.1', port: 0 })
  const sessions = await Promise.all([0, 1].map(() => createSession({ router: address })))
  t.teardown(async () => {
    await Promise.all(sessions.map(async session => await session.close()))
    await router.close()
  })
  const server = createStreamManager(sessions[1]!)
  server.createServer({ allowHalfOpen: true }, socket => { pipeline(socket, socket, () => {}) }).listen(ECHO_PORT)
  return { client: createStreamManager(sessions[0]!), server, router: address }
}

interface Sending { socket: StreamSocket, sent: () => number, finish: () => void, digest: () => string }

/** Sends to the first stream that comes, without an end until finish() is called. */
function sendWithoutEnd (server: StreamManager): Promise<Sending> {
  const random = new SeededRandom(9)
  const digest = createHash('sha256')
  let sent = 0
  let left = Infinity
  const source = new Readable({
    read () {
      if (left-- <= 0) return this.push(null)
      const chunk = Buffer.from(random.bytes(CHUNK))
      digest.update(chunk)
      sent += chunk.length
      this.push(chunk)
    }
  })
  return new Promise((resolve, reject) => {
    server.createServer({ allowHalfOpen: true }, socket => {
      pipeline(source, socket, error => { if (error) reject(error) })
      socket.on('error', () => {}) // the end of the test may come before the peer's last ACK
      socket.resume()
      resolve({ socket, sent: () => sent, finish: () => { left = REST }, digest: () => digest.digest('hex') })
    }).listen(0)
  })
}

interface Reader { child: ChildProcess, line: () => Promise<string> }

function startReader (t: Test, args: string[]): Reader {
  const child = spawn(
    process.execPath, ['--conditions=@minwww/source', '--import', 'tsx', READER, ...args], { stdio: ['ignore', 'pipe', 'inherit'] }
  )
  t.teardown(() => child.kill('SIGKILL')) // a suspended process ends only so
  const lines = createInterface(child.stdout!)[Symbol.asyncIterator]()
  return { child, line: async () => (await lines.next()).value as string }
}

/** Looks again and again; the time limit is that of the test. */
async function until (condition: () => boolean): Promise<void> {
  while (!condition()) await delay(10)
}

async function othersWork (t: Test, { client, server }: Place): Promise<void> {
  const data = seeded(3)(200_000)
  const socket = client.connect({ destination: server.destination, port: ECHO_PORT, allowHalfOpen: true })
  socket.end(data)
  t.ok((await buffer(socket)).equals(data), 'another stream of the same two sessions works')
}

t.test('the application is suspended: the sender is choked, stops, and goes on when it runs again', async t => {
  const net = await place(t)
  const sending = sendWithoutEnd(net.server)
  const tunnel = await forwardFromTcp(
    { manager: net.client, destination: net.server.destination, port: DATA_PORT, listen: { host: '127.0.0.1', port: 0 } }
  )
  t.teardown(async () => await tunnel.close())
  const { child, line } = startReader(t, ['tcp', tunnel.address.host, String(tunnel.address.port)])
  const { socket, sent, finish, digest } = await sending
  t.equal(await line(), 'started')
  child.kill('SIGSTOP')
  // A choke may pass while the kernel still takes something. In the end nothing moves in the time that another stream needs.
  let before: number
  do {
    await until(() => socket.statistics.choked)
    before = sent()
    await othersWork(t, net)
  } while (!socket.statistics.choked || sent() !== before)
  t.ok(net.client.statistics.unreadBytes <= MOST_UNREAD, `${net.client.statistics.unreadBytes} bytes unread`)
  finish()
  child.kill('SIGCONT')
  t.equal(await line(), digest(), 'every byte arrived')
  t.ok(socket.statistics.chokesReceived >= 1)
})

t.test('a whole peer is suspended, its streaming too: timeouts, and it goes on when it runs again', async t => {
  const net = await place(t)
  const sending = sendWithoutEnd(net.server)
  const { child, line } = startReader(t, ['i2p', net.router.host, String(net.router.port), net.server.destination.base64])
  const { socket, finish, digest } = await sending
  t.equal(await line(), 'started')
  child.kill('SIGSTOP')
  await until(() => socket.statistics.timeouts >= 2)
  await othersWork(t, net)
  finish()
  child.kill('SIGCONT')
  t.equal(await line(), digest(), 'every byte arrived')
  if (child.exitCode === null) await once(child, 'exit')
})
