import { setTimeout as sleep } from 'node:timers/promises'
import type { Address } from '../fetch.ts'
import type { Closers } from '@minwww/ground/node'
import { startPages, type ClosedNetwork, type RouterKind } from './closed-network.ts'
import type { Client, Design } from './design.ts'
import { javaDesign } from './java-design.ts'
import { minwwwDesign } from './minwww-design.ts'
import { SITE } from './site.ts'

/** Routers with a client port each: the browser's side and the web server's side; among mixed ones a Java router and an i2pd. */
const ENDS = { i2pd: { client: 1, server: 2 }, java: { client: 1, server: 2 }, mixed: { client: 5, server: 3 } } as const
const TUNNELS = 2
/** A Java router builds no tunnel in its first 90 s. */
const JAVA_START = 95_000
/** A look-up on a Java router that starts before the LeaseSet is stored waits 15 s and loses what is sent meanwhile. */
const JAVA_SETTLE = 15_000

/** A design over tunnels of one length. */
export interface Rival {
  design: string
  label: string
  length: number
  client: Pick<Client, 'via'>
  host: string
  /** A client with a new Destination; of the router's own tunnels the one that is there. */
  openFresh: () => Promise<Pick<Client, 'via' | 'close'>>
}

interface Ends { client: number, server: number }
interface Place {
  closers: Closers,
  network: ClosedNetwork,
  site: {
    origin: string,
    address: Address
  },
  lengths: number[],
  signal: AbortSignal,
  progress: (text: string) => void
  /** What the network was started with. */
  pages?: boolean
}

/** MinWWW and the routers' own way, for each tunnel length. */
export async function openRivals (kind: RouterKind, place: Place): Promise<Rival[]> {
  return kind === 'i2pd' ? await overI2pd(place) : await overJava(place, ENDS[kind])
}

async function overI2pd ({ closers, network, site, lengths, progress, pages = false }: Place): Promise<Rival[]> {
  const rivals: Rival[] = []
  const own = pages ? startPages(network) : undefined
  if (own !== undefined) closers.add(own.server, server => server.kill())
  const hostOf = own?.hostOf ?? (length => network.site(length))
  for (const length of lengths) {
    progress(`building tunnels of ${length} hops`)
    const design = closers.add(await minwwwOver(network, ENDS.i2pd, site.origin, length), design => design.close())
    rivals.push(await openClient(closers, design, length))
    const via = await network.forward(network.proxy(length))
    rivals.push({
      design: 'i2pd',
      label: "i2pd's own HTTP tunnels",
      length,
      client: { via },
      host: hostOf(length),
      openFresh: async () => ({ via, close: async () => {} })
    })
  }
  return rivals
}

/** Java I2P's client and streaming libraries, on whatever routers. */
async function overJava ({ closers, network, site, lengths, signal, progress }: Place, ends: Ends): Promise<Rival[]> {
  progress('waiting for Java routers to build tunnels')
  await sleep(JAVA_START, undefined, { signal })
  const [client, server] = [await network.forward(ends.client), await network.forward(ends.server)]
  const designs: Array<[Design, number]> = []
  for (const length of lengths) {
    const add = (design: Design): void => { designs.push([closers.add(design, design => design.close()), length]) }
    add(await minwwwOver(network, ends, site.origin, length))
    add(await javaDesign({ client, server, target: site.address, options: tunnelOptions(length) }))
  }
  progress('waiting for LeaseSets')
  await sleep(JAVA_SETTLE, undefined, { signal })
  return await Promise.all(designs.map(async ([design, length]) => await openClient(closers, design, length)))
}

async function openClient (closers: Closers, design: Design, length: number): Promise<Rival> {
  const client = closers.add(await design.openClient(), client => client.close())
  return { design: design.design, label: design.label, length, client, host: SITE, openFresh: async () => await design.openClient() }
}

async function minwwwOver (network: ClosedNetwork, ends: Ends, origin: string, length: number): Promise<Design> {
  return await minwwwDesign(
    { client: () => network.connect(ends.client), server: () => network.connect(ends.server), options: tunnelOptions(length), origin }
  )
}

function tunnelOptions (length: number): Record<string, string> {
  return Object.fromEntries(['inbound', 'outbound'].flatMap(direction => [
    [`${direction}.length`, String(length)], [`${direction}.lengthVariance`, '0'], [`${direction}.quantity`, String(TUNNELS)]
  ]))
}
