/**
 * One end of a design in a process of its own, so that its CPU can be counted: end.ts JSON (an `EndPlan`). It says `EndReady` when
 * its tunnels stand, and answers each message with the CPU that it has used, ms. It ends with the one that started it.
 */
import type { Duplex } from 'node:stream'
import { connect } from 'node:net'
import { pathToFileURL } from 'node:url'
import type { Address } from '../fetch.ts'
import { SITE } from '../worlds/site.ts'

export interface EndPlan {
  side: 'client' | 'server'
  design: 'minwww' | 'streaming'
  i2cp: Address
  site: Address
  /** client: how many of them, each with Destinations of its own, and where they go to. */
  clients: number
  destination: string
  /** Checkout of another version whose packages are taken; it must be built. */
  base?: string
}

export interface EndReady { destination: string, via: Address[] }

const MICROSECONDS = 1_000
const TIMEOUT = 60_000
const PROBE_INTERVAL = 5

const plan = JSON.parse(process.argv[2] ?? '{}') as EndPlan
const load = async <T>(name: string, own: () => Promise<T>): Promise<T> => plan.base === undefined
  ? await own()
  : await import(pathToFileURL(`${plan.base}/packages/${name}/dist/index.js`).href) as T
const { createSession } = await load('i2cp', async () => await import('@minwww/i2cp'))
const { createStreamManager, forwardFromTcp, forwardToTcp } = await load('streaming', async () => await import('@minwww/streaming'))

async function open (): ReturnType<typeof createSession> {
  return await createSession({ connect: (): Duplex => connect(plan.i2cp).setNoDelay(true) })
}

async function startServer (): Promise<string> {
  const session = await open()
  const streams = createStreamManager(session)
  if (plan.design === 'streaming') forwardToTcp({ manager: streams, target: plan.site })
  else {
    const { createExit } = await load('minwww-server', async () => await import('@minwww/server'))
    await createExit({ session, streams, sites: { [SITE]: `http://${plan.site.host}:${plan.site.port}` } })
  }
  return session.destination.base64
}

async function startClient (): Promise<Address> {
  const listen = { host: '127.0.0.1', port: 0 }
  if (plan.design === 'streaming') {
    const { address } = await forwardFromTcp({ manager: createStreamManager(await open()), destination: plan.destination, listen })
    return address
  }
  const { createProxy } = await load('minwww-client', async () => await import('@minwww/client'))
  const proxy = await createProxy({
    sessions: [await open(), await open()],
    streams: session => createStreamManager(session),
    exits: [plan.destination],
    listen,
    timeout: TIMEOUT,
    cache: false
  })
  const deadline = performance.now() + TIMEOUT
  while (proxy.exits().some(({ status }) => status?.state !== 'ready') && performance.now() < deadline) {
    await new Promise(resolve => setTimeout(resolve, PROBE_INTERVAL))
  }
  return proxy.address
}

const ready: EndReady = { destination: '', via: [] }
if (plan.side === 'server') ready.destination = await startServer()
else for (let i = 0; i < plan.clients; i++) ready.via.push(await startClient())
process.on('disconnect', () => process.exit())
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send?.((user + system) / MICROSECONDS)
})
process.send?.(ready)
