import type { ClientEvent, RestName } from '@minwww/client/core'
import { LocalDestination } from '@minwww/i2cp/codec'
import type { NetworkOptions } from '@minwww/local-router/network'
import {
  decodeRate, encodePromises, encodePushed, encodeRequestHead, EXIT_PORT, parseRequest, parseResponse, type HeaderList, type PushGrant
} from '@minwww/protocol'
import { fieldsFor, mayNeed, needsOf, type PageStyles } from '@minwww/protocol/page'
import type { FetchEvent } from '@minwww/server/core'
import type { Connection, StreamingEvent } from '@minwww/streaming/core'
import { ClientNode, ServerNode } from '../grid/nodes.ts'
import { SeededRandom } from '../grid/random.ts'
import { RestStreams } from '../grid/rest-streams.ts'
import { StreamNode } from '../grid/stream-node.ts'
import { networkOf, World } from '../grid/world.ts'
import { isElsewhere, type RecordedRequest, type Recording } from './record.ts'
import type { SiteFiles } from './site-files.ts'

/** `push`: MinWWW; `plain`: MinWWW without pushes; `streams`: our streams, six as browsers open them, kept open for a page. */
export type ReplayDesign = 'push' | 'plain' | 'streams'

export interface PageLoad {
  page: string
  /** Of the page and its resources. */
  resources: number
  /** ms until the last one is here: of a client that has seen nothing, undefined for all but a site's first page; after each page once. */
  fresh?: number
  warm: number
  /** Bytes of promised objects that were sent, and of those that the page used; both of the second visit. */
  pushed: number
  used: number
}

/** What a browser asks one host at the same time. */
const CONNECTIONS = 6
const DEADLINE = 600_000
/** ms after which a page that is not whole counts as failed, and as loaded then. */
export const PAGE_DEADLINE = 120_000
/** ms between two pages. */
const PAUSE = 3_000
const REQUEST_FIELDS: HeaderList = [
  ['User-Agent', 'MYOB/6.66 (AN/ON)'], ['Accept-Language', 'en-US,en;q=0.5'], ['Accept-Encoding', 'gzip, deflate']
]
/** A style sheet's style sheets. */
const MAX_DEPTH = 4
const MAX_PROMISES = 64

/** What came of one thing of a page, ms from the page's request on. */
export interface Thing { page: string, path: string, asked: number, here: number }
export type OnThing = (thing: Thing) => void

/** When a thing is here: its front, if that is told, and all of it. */
interface Asking { readonly onFront: () => void, readonly onHere: () => void }

/** One way to load things from a site; each `ask` calls back when it is here. */
interface Loader {
  readonly world: World
  readonly stats: { pushed: number, used: number }
  /** A new page: connections of the one before are closed. */
  begin: () => void
  ask: (path: string, page: string | undefined, asking: Asking) => void
}

/** The real exit core with pushes as `Pushes` makes them, without its queues. */
class PageExit extends ServerNode {
  readonly #site: SiteFiles
  readonly #onPushed: (path: string, bytes: number) => void
  readonly #onRest: (event: FetchEvent, length: number) => void

  /** @param onRest - so much follows the beginning of an answer */
  constructor (
    keys: LocalDestination, { bytes }: SeededRandom, site: SiteFiles, onPushed: (path: string, bytes: number) => void,
    onRest: (event: FetchEvent, length: number) => void
  ) {
    super({ keys, random: bytes })
    this.#site = site
    this.#onPushed = onPushed
    this.#onRest = onRest
  }

  protected override fetch (now: number, event: FetchEvent): void {
    const { url, headers } = parseRequest(event.message)
    if (new URL(url).hostname === this.#site.host) this.#answer(now, event, url, headers, event.push)
    else this.core.fail(now, event.handle, 'not-resolved', {})
  }

  #answer (now: number, event: FetchEvent, url: string, headers: HeaderList, grant: PushGrant | undefined): void {
    const { handle } = event
    const seen = new Set([url])
    const whole = this.#site.answer(pathOf(url))
    const message = whole.subarray(0, this.#site.begun(pathOf(url), event.atOnce))
    const isWhole = message.length === whole.length
    if (!isWhole) this.#onRest(event, whole.length - message.length)
    const asked = { url, headers, received: parseResponse(message, 'beginning').headers }
    let left = grant === undefined ? 0 : decodeRate(grant.budget)
    const promise = (by: number, of: string, body: Buffer, depth: number, styles?: PageStyles): [Buffer, () => void] => {
      if (left <= 0 || depth >= MAX_DEPTH) return [body, () => {}]
      const needs = needsOf(of, parseResponse(body, 'beginning'), styles)
      const wanted = needs.found.filter(({ url }) => !seen.has(url) && mayNeed(asked.url, url))
        .slice(0, Math.max(0, MAX_PROMISES - seen.size))
      const pushes = wanted.length === 0 ? [] : this.core.promise(now, by, wanted.length)
      const promises = pushes.map((push, index) => ({ ...push, reference: wanted[index]! }))
      for (const { reference } of promises) seen.add(reference.url)
      const lines = encodePromises(promises.map(({ id, reference }) => ({ id, url: reference.url })))
      return [promises.length === 0 ? body : Buffer.concat([lines, body]), () => {
        for (const { handle: pushed, reference } of promises) {
          const path = pathOf(reference.url)
          if (left <= 0 || !this.#site.isWhole(path)) {
            this.core.fail(now, pushed, left <= 0 ? 'busy' : 'too-large', {})
            continue
          }
          const next = reference.kind === 'late-style' ? MAX_DEPTH : depth + 1
          const [own, start] = promise(pushed, reference.url, this.#site.answer(path), next, styles ?? needs.styles)
          const sent = this.core.respond(now, pushed, encodePushed(reference.url, fieldsFor(asked, reference, now), own), 'whole', left)
          left -= sent
          if (sent === 0) continue
          this.#onPushed(path, sent)
          start()
        }
      }]
    }
    const [body, start] = promise(handle, url, message, 0)
    this.core.respond(now, handle, body, isWhole ? 'whole' : 'beginning')
    start()
  }
}

function messageLoader (site: SiteFiles, network: Partial<NetworkOptions>, seed: number, isPushing: boolean): Loader {
  const random = new SeededRandom(seed)
  const world = new World(networkOf(seed, network))
  const keys = LocalDestination.generate(random.bytes)
  const stats = { pushed: 0, used: 0 }
  const pushed = new Map<string, number>()
  const exit = new PageExit(keys, random, site, (path, bytes) => {
    stats.pushed += bytes
    pushed.set(path, bytes)
  }, ({ name, from }, length) => {
    if ('session' in name) rests.keep({ name: `${name.session}/${name.id}`, to: from.b32 }, length)
  })
  const waiting = new Map<number, { path: string, rest?: RestName } & Asking>()
  const here = (handle: number): void => {
    const asked = waiting.get(handle)!
    waiting.delete(handle)
    asked.onHere()
  }
  const onEvent = (event: ClientEvent): void => {
    if (event.type === 'exit-state') return
    const asked = waiting.get(event.handle)
    if (asked === undefined) return
    if (event.type === 'failed' && isElsewhere(asked.path)) return here(event.handle)
    if (event.type === 'failed') throw new Error(`${asked.path} failed: ${JSON.stringify(event)}`)
    if (event.type === 'begins') return rests.expect(event.rest)
    asked.onFront()
    if (event.type !== 'response') return
    const whole = site.answer(asked.path)
    const length = event.rest === undefined ? whole.length : event.message.length
    if (!event.message.equals(whole.subarray(0, length))) throw new Error(`${asked.path} is not what it should be`)
    if (event.rest === undefined || rests.isWhole(event.rest)) here(event.handle)
    else asked.rest = event.rest
  }
  const onRest = (): void => {
    for (const [handle, { rest }] of [...waiting]) if (rest !== undefined && rests.isWhole(rest)) here(handle)
  }
  const own = [LocalDestination.generate(random.bytes), LocalDestination.generate(random.bytes)]
  const client = new ClientNode({
    keys: own, random: random.bytes, config: { handOn: 'any', ...(isPushing ? {} : { pushBudget: 0 }) }, onEvent
  })
  const rests = new RestStreams({ world, random: random.bytes, keys: own, exitKeys: keys, client, exit, onRest })
  client.core.addExit(world.now, { id: 'exit', destination: keys.destination })
  world.run(() => client.core.exits(world.now)[0]!.state === 'ready', world.now + DEADLINE)
  world.runUntil(world.now + PAUSE)
  return {
    world,
    stats,
    begin: () => {
      pushed.clear()
      rests.forget()
    },
    ask: (path, page, asking) => {
      stats.used += pushed.get(path) ?? 0
      pushed.delete(path)
      const url = isElsewhere(path) ? path.replace('https:', 'http:') : `http://${site.host}${path}`
      const { hostname } = new URL(url)
      const headers: HeaderList = [['Host', hostname], ...REQUEST_FIELDS]
      const handle = client.core.request(world.now, {
        message: encodeRequestHead({ method: 'GET', url, headers }),
        site: hostname,
        idempotent: true,
        timeout: DEADLINE,
        isPage: page === undefined,
        mayArrive: true,
        ...(page !== undefined && { referer: `http://${site.host}${page}` })
      })
      waiting.set(handle, { path, ...asking })
    }
  }
}

/** Six streams at most, each one for one thing after the other. */
function streamLoader (site: SiteFiles, network: Partial<NetworkOptions>, seed: number): Loader {
  const random = new SeededRandom(seed)
  const world = new World(networkOf(seed, network))
  const keys = [LocalDestination.generate(random.bytes), LocalDestination.generate(random.bytes)] as const
  interface Open { left: number, onHere: (() => void) | undefined }
  const opened = new Map<Connection, Open>()
  const pending = new Map<Connection, Buffer>()
  const requests = new Map<Connection, string>()
  const write = (connection: Connection): void => {
    const rest = pending.get(connection)
    if (rest === undefined) return
    const taken = connection.write(world.now, rest)
    if (taken < rest.length) pending.set(connection, rest.subarray(taken))
    else pending.delete(connection)
  }
  const client = new StreamNode({
    keys: keys[0],
    random: random.bytes,
    onEvent: (event: StreamingEvent) => {
      if (!('connection' in event)) return
      const { connection } = event
      const open = opened.get(connection)
      for (let chunk = connection.read(world.now); chunk !== undefined; chunk = connection.read(world.now)) {
        if (open === undefined) continue
        open.left -= chunk.length
        if (open.left > 0 || open.onHere === undefined) continue
        const { onHere } = open
        open.onHere = undefined
        onHere()
      }
    }
  })
  const server = new StreamNode({
    keys: keys[1],
    random: random.bytes,
    port: EXIT_PORT,
    onEvent: (event: StreamingEvent) => {
      if (!('connection' in event)) return
      const { connection } = event
      if (event.type === 'closed' || event.type === 'end') {
        requests.delete(connection)
        pending.delete(connection)
        if (event.type === 'end') connection.end(world.now)
        return
      }
      for (let chunk = connection.read(world.now); chunk !== undefined; chunk = connection.read(world.now)) {
        const text = (requests.get(connection) ?? '') + chunk.toString('latin1')
        const end = text.indexOf('\r\n\r\n')
        requests.set(connection, end < 0 ? text : text.slice(end + 4))
        if (end >= 0) pending.set(connection, Buffer.alloc(site.gzipped(text.split(' ', 2)[1]!), 0x61))
      }
      write(connection)
    }
  })
  world.add(client)
  world.add(server)
  return {
    world,
    stats: { pushed: 0, used: 0 },
    begin: () => {
      for (const connection of opened.keys()) connection.end(world.now)
      opened.clear()
    },
    ask: (path, _page, { onHere }) => {
      let idle = [...opened].find(([, { onHere }]) => onHere === undefined)
      if (idle === undefined) {
        const connection = client.core.connect(world.now, { destination: keys[1].destination, port: EXIT_PORT })
        idle = [connection, { left: 0, onHere: undefined }]
        opened.set(...idle)
      }
      const [connection, open] = idle
      Object.assign(open, { left: site.gzipped(path), onHere })
      const fields = REQUEST_FIELDS.map(([name, value]) => `${name}: ${value}\r\n`).join('')
      connection.write(world.now, Buffer.from(`GET ${path} HTTP/1.1\r\nHost: ${site.host}\r\n${fields}\r\n`))
    }
  }
}

/**
 * Things are asked for when what names them is here, of the page its front; so many at once.
 * @returns ms until the last resource is here, or the deadline
 */
function loadPage (loader: Loader, { page, resources }: Recording, onThing: OnThing): number {
  const { world } = loader
  const started = world.now
  const waiting = resources.slice()
  const read = new Set<string>()
  const sheets = resources.filter(({ type, because }) => type === 'Stylesheet' && because === page).map(({ path }) => path)
  const mayAsk = ({ because, type }: RecordedRequest): boolean =>
    read.has(because) && (type === undefined || type === 'Stylesheet' || !sheets.includes(because) || sheets.every(path => read.has(path)))
  const open = new Map<string, number>()
  let missing = resources.length + 1
  const ask = (path: string, of?: string): void => {
    const askedAt = world.now
    const host = hostOf(path)
    open.set(host, (open.get(host) ?? 0) + 1)
    const onFront = (): void => {
      if (path === page) onRead(path)
    }
    const onHere = (): void => {
      open.set(host, open.get(host)! - 1)
      missing--
      onThing({ page, path, asked: askedAt - started, here: world.now - started })
      onRead(path)
    }
    loader.ask(path, of, { onFront, onHere })
  }
  const next = (): Recording['resources'][number] | undefined => {
    const index = waiting.findIndex(thing => mayAsk(thing) && (open.get(hostOf(thing.path)) ?? 0) < CONNECTIONS)
    return index < 0 ? undefined : waiting.splice(index, 1)[0]
  }
  const onRead = (path: string): void => {
    read.add(path)
    for (let thing = next(); thing !== undefined; thing = next()) ask(thing.path, page)
  }
  loader.begin()
  ask(page)
  world.run(() => missing === 0, started + PAGE_DEADLINE)
  const time = world.now - started
  world.runUntil(world.now + PAUSE)
  return time
}

/** Empty for the page's own. */
const hostOf = (path: string): string => isElsewhere(path) ? new URL(path).host : ''

/** Whether every part of a page fits in a message object; the rest of what does not comes by streams. */
export function isSmall (site: SiteFiles, { page, resources }: Recording): boolean {
  return [page, ...resources.map(({ path }) => path)].every(path => isElsewhere(path) || site.isWhole(path))
}

/** Loads a site's pages one after the other, twice. The same seed gives the same figures. */
export function replaySite (
  design: ReplayDesign, site: SiteFiles, recordings: readonly Recording[], network: Partial<NetworkOptions>, seed: number,
  onThing: OnThing = () => {}
): PageLoad[] {
  const loader = design === 'streams' ? streamLoader(site, network, seed) : messageLoader(site, network, seed, design === 'push')
  const first = recordings.map(recording => loadPage(loader, recording, onThing))
  return recordings.map((recording, index) => {
    const before = { ...loader.stats }
    const warm = loadPage(loader, recording, onThing)
    return {
      page: `${recording.host}${recording.page}`,
      resources: recording.resources.length + 1,
      ...(index === 0 && { fresh: first[0]! }),
      warm,
      pushed: loader.stats.pushed - before.pushed,
      used: loader.stats.used - before.used
    }
  })
}

function pathOf (url: string): string {
  const { pathname, search } = new URL(url)
  return pathname + search
}
