import { randomBytes } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { createProxy } from '@minwww/client'
import { createSession, type Destination, type Session } from '@minwww/i2cp'
import { destinationKey } from '@minwww/local-router'
import { ParityCore } from '@minwww/protocol/parity'
import { createExit } from '@minwww/server'
import { createStreamManager } from '@minwww/streaming'
import { Closers } from '@minwww/ground/node'
import type { Client, Design } from './design.ts'
import { SITE } from './site.ts'

/** Time limit of one page, ms. */
export const DEADLINE = 60_000

/** How long an unanswered probe of the exit is waited for, ms. */
const PROBE_PATIENCE = 30_000
const PROBE_INTERVAL = 5

export interface Places {
  /** I2CP connections for the client's and the exit's side. */
  client: () => Duplex
  server: () => Duplex
  /** Session options of both. */
  options?: Record<string, string>
  /** The web server. */
  origin?: string
  /** Ports of this machine that the exit opens tunnels to. */
  ports?: readonly number[]
  /** CONNECT waits for the exit. Default false. */
  honestConnect?: boolean
  /** What a page needs comes with it. Default true. */
  push?: boolean
  /** The floor of a page: no pushes, and a cache. Default false. */
  floor?: boolean
}

/** A real exit now, and a real browser proxy with two sessions for each client. */
export async function minwwwDesign (places: Places): Promise<Design> {
  const closers = new Closers()
  const isPushing = pushes(places)
  const session = closers.add(await open(places.server, places), session => session.close())
  const streams = closers.add(createStreamManager(session, {}, { layer: parity() }), streams => streams.close())
  const { origin, ports } = places
  const exit = closers.add(await createExit({
    session,
    streams,
    push: isPushing,
    ...(origin !== undefined && { sites: { [SITE]: origin } }),
    ...(ports !== undefined && { ports, allowAddresses: ports.map(port => `127.0.0.1/32:${port}`) })
  }), exit => exit.close())
  return {
    ...nameOf(places),
    processes: [],
    openClient: async () => await openClient(places, exit.destination.base64),
    close: async () => await closers.close()
  }
}

const pushes = ({ push, floor }: Places): boolean => push !== false && floor !== true

/** As the commands have it. */
const parity = (): ParityCore<Destination> => new ParityCore({ random: randomBytes })

function nameOf ({ push, honestConnect, floor }: Places): Pick<Design, 'design' | 'label' | 'isFloor'> {
  if (floor === true) return { design: 'minwww-floor', label: 'MinWWW with the pictures in its cache', isFloor: true }
  if (push === false) return { design: 'minwww-no-push', label: 'MinWWW without pushes' }
  return honestConnect === true
    ? { design: 'minwww-honest', label: 'MinWWW, CONNECT waits for the exit' }
    : { design: 'minwww', label: 'MinWWW' }
}

async function openClient (places: Places, exit: string): Promise<Client> {
  const closers = new Closers()
  const sessions = await Promise.all([0, 1].map(async () => closers.add(await open(places.client, places), session => session.close())))
  const proxy = closers.add(await createProxy({
    sessions,
    streams: session => closers.add(createStreamManager(session, {}, { layer: parity() }), streams => streams.close()),
    exits: [exit],
    listen: { host: '127.0.0.1', port: 0 },
    timeout: DEADLINE,
    ...(places.floor !== true && { cache: false }),
    push: pushes(places),
    preload: pushes(places),
    honestConnect: places.honestConnect ?? false
  }), proxy => proxy.close())
  await settled(() => proxy.exits().every(({ status }) => status?.state === 'ready'))
  return {
    via: proxy.address,
    keys: sessions.map(
      ({ destination }) => destinationKey(destination)
    ),
    processes: [],
    close: async () => await closers.close()
  }
}

/** A proxy asks its exits by itself whether they are there, as soon as it starts; that is over before anybody opens a page. */
async function settled (isReady: () => boolean): Promise<void> {
  const deadline = performance.now() + PROBE_PATIENCE
  while (!isReady() && performance.now() < deadline) await new Promise(resolve => setTimeout(resolve, PROBE_INTERVAL))
}

async function open (connect: () => Duplex, { options }: Places): Promise<Session> {
  return await createSession({ connect, ...(options !== undefined && { options }) })
}
