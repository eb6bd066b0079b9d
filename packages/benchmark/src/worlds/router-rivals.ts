import { setTimeout as sleep } from 'node:timers/promises'
import { fetchVia, type Address } from '../fetch.ts'
import type { Closers } from '@minwww/ground/node'
import type { Certificate } from './certificate.ts'
import { startOutproxy, startPages, type ClosedNetwork, type RouterKind } from './closed-network.ts'
import type { Client, Design } from './design.ts'
import { javaDesign } from './java-design.ts'
import { minwwwDesign } from './minwww-design.ts'
import { SecureBrowser } from './secure-browser.ts'
import { startConnectProxy } from './secure-site.ts'
import { randomBody, SITE } from './site.ts'

/** Routers with a client port each: the browser's side and the web server's side; among mixed ones a Java router and an i2pd. */
const ENDS = { i2pd: { client: 1, server: 2 }, java: { client: 1, server: 2 }, mixed: { client: 5, server: 3 } } as const
const TUNNELS = 2
/** A Java router builds no tunnel in its first 90 s. */
const JAVA_START = 95_000
/** A look-up on a Java router that starts before the LeaseSet is stored waits 15 s and loses what is sent meanwhile. */
const JAVA_SETTLE = 15_000
/** Until something comes through i2pd's outproxy, each try, and between two, ms. */
const READY_PATIENCE = 40_000
const STARTS = 4
const READY_TIMEOUT = 15_000
const READY_INTERVAL = 1_000

/** A design over tunnels of one length. */
export interface Rival {
  design: string
  label: string
  length: number
  client: Pick<Client, 'via'>
  host: string
  /** Of the secure site, where there is one. */
  port: number
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
  /** The routers' own way leads to an outproxy: for the web server, or for an HTTPS site. */
  outproxy?: Outproxy | undefined
}

/** `secure`: port of the site of this machine, and the certificate that it has; so has the one behind i2pd's outproxy. */
export interface Outproxy { secure?: { port: number, certificate: Certificate } | undefined }

/** MinWWW and the routers' own way, for each tunnel length. */
export async function openRivals (kind: RouterKind, place: Place): Promise<Rival[]> {
  return kind === 'i2pd' ? await overI2pd(place) : await overJava(place, ENDS[kind])
}

async function overI2pd (place: Place): Promise<Rival[]> {
  const { closers, network, site, lengths, progress, outproxy } = place
  const rivals: Rival[] = []
  const own = ownTunnels(place)
  for (const length of lengths) {
    const via = await network.forward(own.proxyOf(length))
    if (outproxy !== undefined) await outproxyReady(via, outproxy, own.port, place)
    progress(`building tunnels of ${length} hops`)
    const design = closers.add(await minwwwOver(network, ENDS.i2pd, { origin: site.origin, outproxy }, length), design => design.close())
    rivals.push(await openClient(closers, design, length, outproxy))
    rivals.push({
      design: 'i2pd',
      label: own.label,
      length,
      client: { via },
      host: own.hostOf(length),
      port: own.port,
      openFresh: async () => ({ via, close: async () => {} })
    })
  }
  return rivals
}

interface OwnTunnels { label: string, proxyOf: (length: number) => Address, hostOf: (length: number) => string, port: number }

/** i2pd's own HTTP client and server tunnels, or its HTTP proxy with an outproxy. */
function ownTunnels ({ closers, network, pages = false, outproxy }: Place): OwnTunnels {
  if (outproxy !== undefined) {
    const { server, proxyOf, sitePort } = startOutproxy(network, { folder: outproxy.secure?.certificate.folder })
    closers.add(server, server => server.kill())
    return { label: "i2pd's own HTTP proxy with an outproxy", proxyOf, hostOf: () => SITE, port: sitePort }
  }
  const own = pages ? startPages(network) : undefined
  if (own !== undefined) closers.add(own.server, server => server.kill())
  const hostOf = own?.hostOf ?? (length => network.site(length))
  return { label: "i2pd's own HTTP tunnels", proxyOf: length => network.proxy(length), hostOf, port: 0 }
}

/**
 * i2pd's tunnels to its outproxy are built in their own time. Now and then no router finds their LeaseSet, for a cause that is not known
 * yet: their router is started anew then, while nothing else stands over it. @throws Error with what failed last
 */
async function outproxyReady (via: Address, { secure }: Outproxy, port: number, { network, signal, progress }: Place): Promise<void> {
  progress("waiting for i2pd's outproxy")
  let error: string | undefined
  for (let start = 0; start < STARTS; start++) {
    if (start > 0) await network.restart(ENDS.i2pd.server)
    for (const deadline = performance.now() + READY_PATIENCE; performance.now() < deadline;) {
      error = secure === undefined ? await plainError(via) : await secureError(via, port, secure.certificate)
      if (error === undefined) return
      await sleep(READY_INTERVAL, undefined, { signal })
    }
  }
  throw new Error(`i2pd's outproxy: ${error ?? 'not ready'}`)
}

async function plainError (via: Address): Promise<string | undefined> {
  const body = randomBody(64, 'ready')
  return (await fetchVia({ via, url: `http://${SITE}/bytes/${body.length}?seed=ready`, timeout: READY_TIMEOUT, expected: body })).error
}

async function secureError (via: Address, port: number, { ca }: Certificate): Promise<string | undefined> {
  const browser = new SecureBrowser({ via, port, ca, protocol: 'http/1.1', timeout: READY_TIMEOUT })
  try {
    await browser.fetch('/bytes/64?seed=ready')
    return undefined
  } catch (error) {
    return (error as Error).message
  } finally {
    browser.close()
  }
}

/** Java I2P's client and streaming libraries, on whatever routers. */
async function overJava ({ closers, network, site, lengths, signal, progress, outproxy }: Place, ends: Ends): Promise<Rival[]> {
  progress('waiting for Java routers to build tunnels')
  await sleep(JAVA_START, undefined, { signal })
  const [client, server] = [await network.forward(ends.client), await network.forward(ends.server)]
  const target = outproxy?.secure === undefined ? site.address : closers.add(await startConnectProxy(), proxy => proxy.close()).address
  const designs: Array<[Design, number]> = []
  for (const length of lengths) {
    const add = (design: Design): void => { designs.push([closers.add(design, design => design.close()), length]) }
    add(await minwwwOver(network, ends, { origin: site.origin, outproxy }, length))
    add(await javaDesign({ client, server, target, options: tunnelOptions(length) }))
  }
  progress('waiting for LeaseSets')
  await sleep(JAVA_SETTLE, undefined, { signal })
  return await Promise.all(designs.map(async ([design, length]) => await openClient(closers, design, length, outproxy)))
}

async function openClient (closers: Closers, design: Design, length: number, outproxy?: Outproxy): Promise<Rival> {
  const client = closers.add(await design.openClient(), client => client.close())
  const { design: name, label } = design
  const port = outproxy?.secure?.port ?? 0
  return { design: name, label, length, client, host: SITE, port, openFresh: async () => await design.openClient() }
}

async function minwwwOver (
  network: ClosedNetwork, ends: Ends, { origin, outproxy }: { origin: string, outproxy: Outproxy | undefined }, length: number
): Promise<Design> {
  const port = outproxy?.secure?.port
  return await minwwwDesign({
    client: () => network.connect(ends.client),
    server: () => network.connect(ends.server),
    options: tunnelOptions(length),
    origin,
    ...(port !== undefined && { ports: [port] })
  })
}

function tunnelOptions (length: number): Record<string, string> {
  return Object.fromEntries(['inbound', 'outbound'].flatMap(direction => [
    [`${direction}.length`, String(length)], [`${direction}.lengthVariance`, '0'], [`${direction}.quantity`, String(TUNNELS)]
  ]))
}
