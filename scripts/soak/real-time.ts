// People browse for MINUTES (20) of real time through a proxy, an embedded router and an exit, all in this process: by
// messages, by streams, with POSTs, refusals, aborts. Every two minutes all rest, and what is held is measured.
import { Agent, request } from 'node:http'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createProxy } from '@minwww/client'
import { createSession, LocalDestination } from '@minwww/i2cp'
import { createLocalRouter } from '@minwww/local-router'
import { createExit } from '@minwww/server'
import { createStreamManager } from '@minwww/streaming'
import { growing, pageSize, sample, seededNumbers, startSite, table, type Sample } from './measure.ts'

const MINUTE = 60_000
/** Of every period the last part is rest: longer than anything is kept alive after its use. */
const PERIOD = 2 * MINUTE
const REST = 25_000
const PEOPLE = 4

const minutes = Number(process.argv[2] ?? 20)
const random = seededNumbers(7)
const state = mkdtempSync(join(tmpdir(), 'minwww-soak-'))
const site = await startSite()
const router = createLocalRouter({ seed: 7, latency: 50, jitter: 10, loss: 0.005 })
const open = async () => await createSession({ connect: () => router.connect(), keys: LocalDestination.generate() })
const exitSession = await open()
const exitStreams = createStreamManager(exitSession)
const exit = await createExit({
  session: exitSession,
  streams: exitStreams,
  sites: {
    'soak.i2p': site.origin
  },
  stateDir: state,
  bandwidth: { out: 1e6, quotaMonth: 1e12 },
  console: { host: '127.0.0.1', port: 0 }
})
const sessions = [await open(), await open()]
const streams = createStreamManager(sessions[0]!)
const proxy = await createProxy({ sessions, streams, exits: [exit.destination.base64], listen: { host: '127.0.0.1', port: 0 } })

const agent = new Agent({ keepAlive: true, maxSockets: 6, timeout: 5_000 })
const statuses: Record<string, number> = {}

/** One request through the proxy; resolves with its status, also when it was aborted. */
async function fetch (
  url: string, { method = 'GET', body, abortAfter }: { method?: string, body?: Buffer, abortAfter?: number } = {}
): Promise<void> {
  const status = await new Promise<string>(resolve => {
    const outgoing = request({
      ...proxy.address,
      agent,
      path: url,
      method,
      headers: {
        host: new URL(url).host, ...(body === undefined ? {} : { 'content-length': body.length })
      }
    }, response => {
      response.on('error', () => resolve('cut')).on('end', () => resolve(String(response.statusCode))).resume()
    })
    outgoing.on('error', () => resolve(abortAfter === undefined ? 'failed' : 'aborted')).end(body)
    if (abortAfter !== undefined) setTimeout(() => outgoing.destroy(), abortAfter)
  })
  statuses[status] = (statuses[status] ?? 0) + 1
}

async function visit (): Promise<void> {
  const kind = random()
  await fetch(`http://soak.i2p/${pageSize(random)}?${random()}`)
  await Promise.all(
    Array.from({ length: 1 + Math.floor(random() * 8) }, async () => await fetch(`http://soak.i2p/${pageSize(random)}?${random()}`))
  )
  if (kind < 0.1) await fetch(`http://soak.i2p/300000?${random()}`)
  else if (kind < 0.2) await fetch('http://soak.i2p/100', { method: 'POST', body: Buffer.alloc(5_000) })
  else if (kind < 0.3) await fetch(`http://soak.i2p/200000?${random()}`, { abortAfter: 150 })
  else if (kind < 0.35) await fetch(`http://10.0.0.1/${random()}`)
  else if (kind < 0.4) await fetch(`http://soak.i2p/nothing?${random()}`)
}

async function browse (until: number): Promise<void> {
  while (performance.now() < until) {
    await visit()
    await sleep(500 + random() * 2_000)
  }
}

const samples: Sample[] = []
const rows: Array<Array<string | number>> = []
const began = performance.now()
do {
  const period = performance.now()
  await Promise.all(Array.from({ length: PEOPLE }, async () => await browse(period + PERIOD - REST)))
  await sleep(Math.max(0, period + PERIOD - performance.now()))
  const taken = sample()
  samples.push(taken)
  const done = Object.values(statuses).reduce((sum, count) => sum + count, 0)
  rows.push([Math.round((performance.now() - began) / MINUTE),
    done, taken.heap.toFixed(1), taken.buffers.toFixed(1), Math.round(taken.rss), taken.sockets, taken.timers])
} while (performance.now() - began < minutes * MINUTE - PERIOD / 2)

console.log(table(['minute', 'requests', 'heap, MB', 'buffers, MB', 'RSS, MB', 'sockets', 'timers'], rows))
console.log(`statuses: ${JSON.stringify(statuses)}`)
agent.destroy()
await proxy.close()
streams.close()
await exit.close()
exitStreams.close()
await Promise.all([...sessions, exitSession].map(async session => await session.close()))
await router.close()
site.close()
rmSync(state, { recursive: true })
const found = growing(samples)
console.log(found.length === 0 ? 'nothing grows' : `grows: ${found.join(', ')}`)
process.exitCode = found.length === 0 ? 0 : 1
