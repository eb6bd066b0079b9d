import { Closers } from '@minwww/ground/node'
import { createLocalRouter } from '@minwww/local-router'
import { interleave, type Task } from '../measure.ts'
import type { Sample } from '../report/collector.ts'
import { percentile } from '../grid/statistics.ts'
import { makeCertificate, opensslMissing, type Certificate } from '../worlds/certificate.ts'
import type { RouterKind } from '../worlds/closed-network.ts'
import type { Client, Design } from '../worlds/design.ts'
import { earlyDataMissing, startEarlySite, type EarlySite } from '../worlds/early-data.ts'
import { JAVA_HINT, javaDesign, javaMissing } from '../worlds/java-design.ts'
import { DEADLINE, minwwwDesign } from '../worlds/minwww-design.ts'
import { PAGE, PARTS, startConnectProxy, startSecureSite } from '../worlds/secure-site.ts'
import { SecureBrowser, type Protocol } from '../worlds/secure-browser.ts'
import { randomBody } from '../worlds/site.ts'
import { streamingDesign } from '../worlds/streaming-design.ts'
import { inOutproxyNetworks, networksMissing, networksOf } from './networks.ts'
import { measure } from './samples.ts'
import { KB, type Scenario, type ScenarioContext } from './scenario.ts'

const LATENCY = 250
const QUICK_LATENCY = 50
const RUNS = 10
const QUICK_RUNS = 2
const SIZES = [20, 100]
const QUICK_SIZES = [20]
/** Pages of 120 KB over connections of their own, before anything is measured. */
const WARM_UP = 3
const WARM_UP_SIZE = 120 * KB

/** What is asked for, and how. */
interface Case { what: 'object' | 'page', size: number, http: Protocol, tls: 'new' | 'resumed', state: 'warm' | 'fresh' }

/** A design, the port of the site that it leads to, and what its path is. */
interface Visitor extends Pick<Design, 'design' | 'label'> {
  readonly port: number
  readonly path: Record<string, number | string>
  /** Of a router's own tunnels there is no fresh one. */
  readonly hasFresh: boolean
  openClient: () => Promise<Pick<Client, 'via' | 'close'>>
}

/** HTTPS through CONNECT: one object, and a page with twelve parts, over TLS 1.3. */
export const https: Scenario = {
  name: 'https',
  async missing (settings) {
    const { routers } = settings
    return opensslMissing() ?? (routers === undefined ? undefined : await networksMissing(networksOf(settings, routers)))
  },
  async run (context) {
    const { quick, settings, out, progress } = context
    const { runs = quick ? QUICK_RUNS : RUNS, sizes = quick ? QUICK_SIZES : SIZES, routers } = settings
    const connection = 'new ones for each visit'
    Object.assign(out.options, { runs, sizes, document: PAGE, objects: PARTS, warmUp: `${WARM_UP} objects of 120 KB`, connection })
    out.note('HTTP/1.1 has six connections to the site, HTTP/2 one. Each visit opens its own, and TLS 1.3 in them, new or resumed by a ' +
      'ticket of the visit before. Behind the forwarders stands an HTTP proxy that answers CONNECT, as behind an outproxy. ' +
      'Fresh: a client with a new Destination for each visit; MinWWW has probed its exit by then.')
    const closers = new Closers()
    try {
      progress('starting routers and tunnels')
      const certificate = closers.add(makeCertificate(), certificate => certificate.close())
      const site = closers.add(await startSecureSite(certificate), site => site.close())
      const plan = { closers, certificate, port: site.port, runs, sizes }
      if (routers === undefined) await overModel(context, plan)
      else await overRouters(context, plan, routers)
    } finally {
      await closers.close()
    }
  }
}

interface Plan { closers: Closers, certificate: Certificate, port: number, runs: number, sizes: number[] }

async function overModel (context: ScenarioContext, { closers, certificate, port, ...plan }: Plan): Promise<void> {
  const { quick, seed, settings, out } = context
  const { latency = quick ? QUICK_LATENCY : LATENCY, loss: [loss = 0] = [] } = settings
  const java = javaMissing()
  if (java !== undefined) out.note(`Java forwarders skipped: ${java}. To get them: ${JAVA_HINT}.`)
  Object.assign(out.options, { latency, loss })
  const early = await earlySite(closers, certificate, context)
  const designs = await openDesigns(closers, { latency, loss, seed, ports: [port, ...(early === undefined ? [] : [early.port])] })
  const visitors = designs.map((design): Visitor => (
    { ...design, port, path: { latency, loss }, hasFresh: true, openClient: async () => await design.openClient() }
  ))
  await measureAll(context, visitors, { ...plan, certificate, early })
  sayRoundTrips(context, latency)
}

/** The same over closed networks, to outproxies of the routers' own; node has no early data, and its rivals no honest mode. */
async function overRouters (context: ScenarioContext, { certificate, port, ...plan }: Plan, kinds: readonly RouterKind[]): Promise<void> {
  await inOutproxyNetworks(context, { kinds, outproxy: { secure: { port, certificate } } }, async rivals => {
    const visitors = rivals.map((rival): Visitor => ({ ...rival, hasFresh: rival.design !== 'i2pd', openClient: rival.openFresh }))
    await measureAll(context, visitors, { ...plan, certificate, early: undefined })
  })
}

async function earlySite (closers: Closers, certificate: Certificate, { out }: ScenarioContext): Promise<EarlySite | undefined> {
  const missing = earlyDataMissing()
  if (missing === undefined) return closers.add(await startEarlySite(certificate), site => site.close())
  out.note(`Early data skipped: ${missing.reason}. To get it: ${missing.hint}.`)
  return undefined
}

async function openDesigns (
  closers: Closers, { latency, loss, seed, ports }: { latency: number, loss: number, seed: number, ports: number[] }
): Promise<Design[]> {
  const router = closers.add(createLocalRouter({ latency, loss: loss / 100, seed }), router => router.close())
  const proxy = closers.add(await startConnectProxy(), proxy => proxy.close())
  const connect = () => router.connect()
  const both = { client: connect, server: connect, ports }
  const designs = [
    await minwwwDesign(both), await minwwwDesign({ ...both, honestConnect: true }),
    await streamingDesign({ client: connect, server: connect, target: proxy.address })
  ]
  if (javaMissing() === undefined) {
    const i2cp = await router.listen({ host: '127.0.0.1', port: 0 })
    designs.push(await javaDesign({ client: i2cp, server: i2cp, target: proxy.address }))
  }
  for (const design of designs) closers.add(design, design => design.close())
  return designs
}

/** With `quick` new connections of a warm client only. */
function casesOf (sizes: readonly number[], quick: boolean): Case[] {
  const object = sizes.flatMap(size => (['http/1.1', 'h2'] as const).flatMap(http => (['new', 'resumed'] as const).map((tls): Case =>
    ({ what: 'object', size: size * KB, http, tls, state: 'warm' }))))
  const fresh = sizes.map((size): Case => ({ what: 'object', size: size * KB, http: 'http/1.1', tls: 'new', state: 'fresh' }))
  const page = (['http/1.1', 'h2'] as const).flatMap(http => (['new', 'resumed'] as const).map((tls): Case =>
    ({ what: 'page', size: PAGE + PARTS.reduce((sum, part) => sum + part, 0), http, tls, state: 'warm' })))
  return [...object, ...fresh, ...page].filter(({ tls, state }) => !quick || (tls === 'new' && state === 'warm'))
}

interface Visits extends Pick<Plan, 'certificate' | 'runs' | 'sizes'> { early: EarlySite | undefined }

async function measureAll (
  context: ScenarioContext, visitors: readonly Visitor[], { certificate, runs, sizes, early }: Visits
): Promise<void> {
  const { quick, seed, signal, progress } = context
  const clients: Clients = new Map()
  try {
    for (const visitor of visitors) clients.set(visitor, await visitor.openClient())
    progress(`warming up ${visitors.length} designs`)
    await Promise.all([...clients].map(async ([{ port }, client], i) => await warmUp(client, { port, certificate }, `${seed}.${i}`)))
    const rounds = Array.from({ length: runs }, (_, round) => round)
    const tasks = rounds.flatMap(round => visitors.flatMap((visitor): Task[] => [
      ...casesOf(sizes, quick).filter(({ state }) => visitor.hasFresh || state === 'warm').map((one): Task => {
        const conditions = { what: one.what, size: one.size, http: one.http, tls: one.tls, ...visitor.path, state: one.state }
        const tag = `${seed}.${round}.${Object.values(one).join('.')}`
        const run = async (): Promise<Sample> => await attempt(visitor, clients, certificate, one, tag)
        return { round, run: async () => await measure(context, visitor, conditions, round, run) }
      }),
      ...(early === undefined ? [] : [earlyTask(context, visitor, clients, early, round)])
    ]))
    await interleave(tasks, { seed, signal, onDone: (done, total) => progress(`${done} of ${total} visits`) })
  } finally {
    for (const client of clients.values()) await client.close()
  }
}

function earlyTask (
  context: ScenarioContext, visitor: Visitor, clients: Clients, early: EarlySite, round: number
): Task {
  const conditions = { what: 'object', size: 64, http: 'http/1.1', tls: 'early data', ...visitor.path, state: 'warm' }
  return {
    round,
    run: async () => await measure(context, visitor, conditions, round, async () => await early.fetch(clients.get(visitor)!.via, DEADLINE)
      .then(time => ({ time, firstByte: time }), failed))
  }
}

async function attempt (visitor: Visitor, clients: Clients, certificate: Certificate, one: Case, tag: string): Promise<Sample> {
  const client = one.state === 'fresh' ? await visitor.openClient() : clients.get(visitor)!
  try {
    return await visit(client, { port: visitor.port, certificate }, one, tag)
  } catch (error) {
    return failed(error)
  } finally {
    if (one.state === 'fresh') await client.close()
  }
}

const failed = (error: unknown): Sample => ({ time: DEADLINE, error: (error as Error).message.split('\n', 1)[0] ?? 'failed' })

interface Place { port: number, certificate: Certificate }
type Via = Pick<Client, 'via'>
type Clients = Map<Visitor, Pick<Client, 'via' | 'close'>>

async function warmUp (client: Via, place: Place, tag: string): Promise<void> {
  for (let n = 0; n < WARM_UP; n++) {
    await visit(client, place, { what: 'object', size: WARM_UP_SIZE, http: 'http/1.1', tls: 'new', state: 'warm' }, `${tag}.${n}`)
  }
}

/** One visit with connections of its own. @throws Error where anything but the right bytes comes */
async function visit ({ via }: Via, place: Place, { what, size, http, tls }: Case, tag: string): Promise<Sample> {
  const { port, certificate: { ca } } = place
  const open = (ticket?: Buffer): SecureBrowser => new SecureBrowser({ via, port, ca, protocol: http, timeout: DEADLINE, ticket })
  const ticket = tls === 'resumed' ? await ticketOf(open(), tag) : undefined
  const browser = open(ticket)
  const began = performance.now()
  const get = async (bytes: number, seed: string): Promise<number> => {
    const { body, firstByte } = await browser.fetch(`/bytes/${bytes}?seed=${seed}`)
    if (!body.equals(randomBody(bytes, seed))) throw new Error(`${body.length} of ${bytes} bytes, or other bytes`)
    return firstByte - began
  }
  try {
    const firstByte = await get(what === 'page' ? PAGE : size, tag)
    if (what === 'page') await Promise.all(PARTS.map(async (part, n) => await get(part, `${tag}.${n}`)))
    return { time: performance.now() - began, firstByte }
  } finally {
    browser.close()
  }
}

/** A visit before the measured one. */
async function ticketOf (browser: SecureBrowser, tag: string): Promise<Buffer> {
  try {
    await browser.fetch(`/bytes/64?seed=${tag}`)
    if (browser.ticket === undefined) throw new Error('the site gave no ticket')
    return browser.ticket
  } finally {
    browser.close()
  }
}

/** First bytes in round trips: what CONNECT at once is about. */
function sayRoundTrips ({ out }: ScenarioContext, latency: number): void {
  if (latency === 0) return
  for (const { label, conditions, firstBytes } of out.firstBytes()) {
    const isNamed = conditions.what === 'object' && conditions.state === 'warm' && conditions.http === 'http/1.1'
    if (!isNamed || firstBytes.length === 0) continue
    const inRoundTrips = (ms: number): string => (ms / (2 * latency)).toFixed(2)
    const [least, most] = [Math.min(...firstBytes), Math.max(...firstBytes)].map(inRoundTrips)
    out.note(`${label}, TLS ${String(conditions.tls)}, ${Number(conditions.size)} bytes: first byte after ` +
      `${inRoundTrips(percentile(firstBytes, 0.5))} round trips (median; ${least} to ${most}).`)
  }
}
