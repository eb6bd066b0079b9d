/** The figure behind "a few stalled readers keep a site from nobody": how long an honest visitor's page takes beside them. */
import t, { type Test } from 'tap'
import { once } from 'node:events'
import { createServer, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { createProxy } from '@minwww/client'
import { createSession, type Session } from '@minwww/i2cp'
import { createLocalRouter } from '@minwww/local-router'
import { createExit } from '@minwww/server'
import { createStreamManager, type StreamManager } from '@minwww/streaming'
import { fetchPage } from './harness.ts'

const READERS = 16
const PAGES = 7
const LARGE = 64 << 20
const PORT = 80
/** ms one way: what a page takes is the network's, not this machine's. */
const LATENCY = 100
const MOST = 2

interface World {
  /** An own Destination, with streams. */
  visitor: () => Promise<StreamManager>
  connect: (from: StreamManager) => Duplex
  /** Times of pages of somebody honest, ms: by messages and over streams. */
  pages: () => Promise<{ messages: number, streams: number }>
  active: () => number
}

async function world (t: Test): Promise<World> {
  const chunk = Buffer.alloc(65_536)
  const site = createServer((request, response) => {
    if (request.url !== '/large') return response.setHeader('Cache-Control', 'no-store').end('a page'.repeat(1_000))
    response.setHeader('Content-Length', LARGE)
    let left = LARGE
    const more = (): void => {
      while (left > 0 && !response.destroyed) {
        left -= chunk.length
        if (!response.write(chunk)) {
          response.once('drain', more)
          return
        }
      }
      response.end()
    }
    more()
  })
  site.listen(0, '127.0.0.1')
  await once(site, 'listening')
  const router = createLocalRouter({ latency: LATENCY, seed: 5 })
  const open = async (): Promise<Session> => {
    const session = await createSession({ connect: () => router.connect() })
    t.teardown(async () => { await session.close() })
    return session
  }
  const managed = (session: Session): StreamManager => {
    const manager = createStreamManager(session)
    t.teardown(async () => { await manager.close() })
    return manager
  }
  t.teardown(async () => { await router.close() })
  t.teardown(() => { site.closeAllConnections(); site.close() })
  const session = await open()
  const origin = `http://127.0.0.1:${(site.address() as AddressInfo).port}`
  const exit = await createExit({ session, streams: managed(session), sites: { 'demo.i2p': origin } })
  t.teardown(async () => { await exit.close() })
  const browsing = await open()
  const proxy = await createProxy({
    sessions: [browsing],
    streams: managed(browsing),
    exits: [exit.destination.base64],
    listen: { host: '127.0.0.1', port: 0 },
    cache: false
  })
  t.teardown(async () => { await proxy.close() })
  const connect = (from: StreamManager): Duplex => from.connect({ destination: exit.destination, port: PORT })
  const honest = managed(await open())
  const overStream = async (): Promise<number> => {
    const began = performance.now()
    const outgoing = httpRequest({ createConnection: () => connect(honest), path: '/page', headers: { host: 'demo.i2p' } })
    outgoing.end()
    const [response] = await once(outgoing, 'response')
    response.resume()
    await once(response, 'end')
    return performance.now() - began
  }
  const byMessage = async (): Promise<number> => {
    const page = await fetchPage('http://demo.i2p/page', `http://127.0.0.1:${proxy.address.port}`)
    if (page.status !== 200) throw new Error(`status ${page.status}`)
    return page.took
  }
  return {
    visitor: async () => managed(await open()),
    connect,
    pages: async () => ({ messages: await median(byMessage), streams: await median(overStream) }),
    active: () => exit.stats.active
  }
}

async function median (measure: () => Promise<number>): Promise<number> {
  const times: number[] = []
  for (let page = 0; page < PAGES; page++) times.push(await measure())
  return times.sort((a, b) => a - b)[PAGES >> 1]!
}

/** Asks for a large file, takes its beginning, and reads no more. */
async function stall (stream: Duplex): Promise<void> {
  stream.on('error', () => {})
  stream.write('GET /large HTTP/1.1\r\nHost: demo.i2p\r\n\r\n')
  await once(stream, 'data')
  stream.pause()
}

for (const destinations of [1, 8]) {
  t.test(`${READERS} stalled readers of ${destinations} Destination(s): a page takes its usual time`, async t => {
    const { visitor, connect, pages, active } = await world(t)
    await pages()
    const usual = await pages()
    const visitors = await Promise.all(Array.from({ length: destinations }, visitor))
    // Those that wait for their own slots are stalled too: they never get a first byte.
    const readers = visitors.flatMap(manager => Array.from({ length: READERS / destinations }, () => connect(manager)))
    t.teardown(() => { for (const reader of readers) reader.destroy() })
    const begun = readers.map(stall)
    for (const one of begun) one.catch(() => {})
    await Promise.any(begun)
    while (active() < READERS) await new Promise(resolve => setImmediate(resolve))
    const beside = await pages()
    for (const way of ['messages', 'streams'] as const) {
      const figure = `${way}: usual ${Math.round(usual[way])} ms, beside them ${Math.round(beside[way])} ms`
      t.ok(beside[way] <= MOST * usual[way], figure)
      t.comment(`${READERS} readers, ${destinations} Destination(s), ${figure}`)
    }
  })
}
