import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Logger } from '@minwww/i2cp'
import type { ActivityLog, Activity } from './activity.ts'
import { EarlyTunnel, type Candidate, type Opened } from './early-tunnel.ts'
import { proxyCodeOfExit } from './failure-codes.ts'
import { HonestHosts } from './honest-hosts.ts'
import { reasonOf, type Answer, type SiteRequest } from '../http/answer.ts'
import type { Backend } from '../sessions/backend.ts'
import type { SiteFetcher } from './site-fetcher.ts'
import { ProxyError } from '../http/failures.ts'
import { pairs, without, type Fields } from '../http/fields.ts'
import type { Settings } from '../http/settings.ts'
import { firstOf } from './peer-search.ts'
import { filterResponseFields } from '../http/response-fields.ts'
import { connected, replyTo, StreamFailure, toAnswer, toStreamError, type Limits, type TakenOver } from './stream-path.ts'
import { bytesOf, pathFields, type StreamPeer } from './streams.ts'
import type { Target } from '../http/target.ts'

/** Silence of the site after which it hears that the browser has ended its side, ms. */
const QUIET = 1_000
/** Silence of a browser that was told everything, and does not close its side, ms. */
const LINGER = 5_000

const ESTABLISHED = 'HTTP/1.1 200 Connection established\r\n\r\n'

/** How a refused CONNECT of an exit reads in the proxy's own codes. */
const CONNECT_STATUS: Readonly<Record<number, ConstructorParameters<typeof ProxyError>[0]>> = {
  403: 'MINWWW_POLICY', 429: 'MINWWW_BUSY', 451: 'MINWWW_LEGAL', 503: 'MINWWW_BUSY', 504: 'MINWWW_UPSTREAM_TIMEOUT', 508: 'MINWWW_LOOP'
}

export interface TunnelOptions {
  fetcher: SiteFetcher
  activity: ActivityLog
  settings: Pick<Settings, 'timeout' | 'timeouts' | 'honestConnect'>
  logger?: Logger | undefined
}

/** The browser's end of a tunnel. */
export interface TunnelEnd extends Duplex {
  /** From now on every byte is the tunnel's. */
  openTunnel: () => void
  setTimeout: (time: number, listener: () => void) => unknown
  setNoDelay: (noDelay: boolean) => unknown
}

/** CONNECT and Upgrade: bytes of the browser over a stream, to the site or through an exit. */
export class Tunnels {
  readonly #options: TunnelOptions
  readonly #sockets = new Set<Duplex>() // two per tunnel, bounded by the listener's maxConnections
  readonly #honest = new WeakMap<Backend, HonestHosts>()

  constructor (options: TunnelOptions) {
    this.#options = options
  }

  /**
   * CONNECT. The browser is told at once that the tunnel stands, so that what it says first travels with what asks for the tunnel. It is
   * told when that is known where it has turned out wrong of late, where nobody is likely to answer, and with `honestConnect`.
   * @throws ProxyError, the signal's reason: before the browser was told anything
   */
  async connect (target: Target, browser: TunnelEnd, backend: Backend, signal: AbortSignal, user?: string): Promise<void> {
    const activity = this.#options.activity.begin('CONNECT', hostAndPort(target), user)
    try {
      if (backend.streams === undefined) throw new ProxyError('MINWWW_NOT_IMPLEMENTED', 'CONNECT')
      const way = await this.#wayTo(target, backend, signal)
      if (signal.aborted) throw reasonOf(signal)
      if (this.#isHonest(target, backend, way)) return await this.#connectHonestly(way, { browser, signal, activity })
      this.#connectEarly(way, { browser, activity }).catch(() => {})
    } catch (error) {
      const explained = this.#options.fetcher.explain(error, backend)
      this.#failed(activity, explained, signal)
      throw explained
    }
  }

  /**
   * A WebSocket: the site's 101 goes back to the browser, or whatever it answers instead.
   * @returns a response that is no 101, to be sent as any other
   */
  async upgrade (request: SiteRequest, browser: TunnelEnd, backend: Backend, user?: string): Promise<Answer | undefined> {
    const activity = this.#options.activity.begin('UPGRADE', request.target.url, user)
    try {
      const route = await this.#options.fetcher.route(request.target, backend)
      if (route.to === 'pool') await this.#options.fetcher.poolReady(backend, request.signal)
      const peers: StreamPeer[] = route.to === 'site'
        ? backend.sessionStreams.peersOf(route.destination, request.target.port)
        : this.#options.fetcher.exitPeers(backend, request.target)
      const limits = route.to === 'site' ? this.#limits : this.#options.fetcher.limitsOf(backend)
      const outcome = await firstOf(peers, limits, async (peer, limits) => await this.#ask(request, peer, limits, backend))
      if ('status' in outcome) {
        this.#options.activity.end(Object.assign(activity, { path: 'stream', status: outcome.status }))
        return outcome
      }
      const { response, socket, rest, exit } = outcome
      const head = upgradeHead(response)
      this.#join({ browser, socket, rest, head, signal: request.signal, activity: Object.assign(activity, { exit, status: 101 }) })
    } catch (error) {
      this.#failed(activity, error, request.signal)
      throw error
    }
  }

  close (): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  get #limits (): Limits {
    const { timeout, timeouts } = this.#options.settings
    return { connect: timeout, answer: timeouts.answer }
  }

  /** Who can open a tunnel to the target: the site itself, or exits. @throws ProxyError */
  async #wayTo (target: Target, backend: Backend, signal: AbortSignal): Promise<Way> {
    const { fetcher } = this.#options
    const route = await fetcher.route(target, backend)
    if (route.to === 'site') {
      const peers = backend.sessionStreams.peersOf(route.destination, target.port)
      return { target, backend, limits: this.#limits, candidates: peers.map(peer => ({ peer, takesEarly: true })) }
    }
    await fetcher.poolReady(backend, signal)
    const known = new Map(backend.driver.exits().map(status => [status.id, status]))
    const candidates = fetcher.exitPeers(backend, target).map((peer): Candidate => {
      const { successes = 0 } = known.get(peer.id) ?? {}
      return { peer, takesEarly: successes > 0 || peer.path !== undefined }
    })
    return { target, backend, limits: fetcher.limitsOf(backend), candidates }
  }

  #isHonest (target: Target, backend: Backend, { candidates }: Way): boolean {
    return this.#options.settings.honestConnect || candidates.length === 0 || (candidates[0]!.peer.kind === 'exit' && backend.isGone()) ||
      this.#honestHosts(backend).has(performance.now(), hostAndPort(target))
  }

  /** Of each user who has sessions of their own. */
  #honestHosts (backend: Backend): HonestHosts {
    const hosts = this.#honest.get(backend) ?? new HonestHosts()
    this.#honest.set(backend, hosts)
    return hosts
  }

  /** The browser hears what the exit, or the site's Destination, has answered. @throws ProxyError; the signal's reason */
  async #connectHonestly (way: Way, { browser, signal, activity }: Pick<Joining, 'browser' | 'signal' | 'activity'>): Promise<void> {
    const { candidates, limits } = way
    const byPeer = new Map(candidates.map(candidate => [candidate.peer, candidate]))
    const { socket, rest, id } = await firstOf(candidates.map(({ peer }) => peer), limits, async (peer, limits) =>
      await this.#dial(way, byPeer.get(peer)!, limits, signal, () => {}))
    this.#join({ browser, socket, rest, head: ESTABLISHED, signal, activity: Object.assign(activity, { exit: id, status: 200 }) })
  }

  /** Settles with the tunnel; what goes wrong is told on the console, in the log and in the metrics, and the browser is cut off. */
  async #connectEarly (way: Way, { browser, activity }: Pick<Joining, 'browser' | 'activity'>): Promise<void> {
    const { target, backend, candidates, limits } = way
    const { settings, fetcher, logger } = this.#options
    const abort = new AbortController()
    const left = (): void => { abort.abort(new BrowserGone()) }
    const early = new EarlyTunnel({
      browser,
      candidates,
      limits: { connect: limits.connect, answer: Math.min(limits.answer, settings.timeout) },
      signal: abort.signal,
      dial: async (candidate, limits, ready) => await this.#dial(way, candidate, limits, abort.signal, ready),
      onNext: ({ peer: { kind, id } }, error) => {
        // Which site somebody opens is in no log.
        if (kind === 'site') logger?.debug({}, 'a tunnel is asked for from another Destination')
        else logger?.debug({ exit: id, err: error }, 'a tunnel is asked of another exit')
      }
    })
    const opening = early.run()
    this.#sockets.add(browser)
    browser.write(ESTABLISHED, 'latin1')
    browser.openTunnel()
    browser.once('close', left)
    browser.setTimeout(settings.timeouts.tunnel, () => browser.destroy())
    browser.setNoDelay(true)
    try {
      const { socket, rest, id } = await opening
      early.release()
      this.#join({ browser, socket, rest, signal: abort.signal, activity: Object.assign(activity, { exit: id, status: 200 }) })
    } catch (error) {
      const explained = abort.signal.aborted ? reasonOf(abort.signal) : fetcher.explain(error, backend)
      this.#failed(activity, explained, abort.signal)
      if (!abort.signal.aborted) {
        this.#honestHosts(backend).note(performance.now(), hostAndPort(target))
        const { code, detail } = toStreamError(explained)
        logger?.warn({ code, detail }, 'a tunnel that the browser was promised did not come about; the console shows which')
      }
    } finally {
      browser.off('close', left)
      if (activity.path !== 'tunnel') {
        this.#sockets.delete(browser)
        browser.destroy()
      }
    }
  }

  /** Asks one peer for a tunnel; see `EarlyTunnelOptions.dial`. @throws StreamFailure, ProxyError, the signal's reason */
  async #dial (
    { target, backend }: Way, { peer }: Candidate, limits: Limits, signal: AbortSignal, ready: (stream: Duplex) => void
  ): Promise<Opened> {
    const streams = backend.streams!
    if (peer.kind === 'site') {
      const found = await backend.sessionStreams.fromWhere(peer, limits, signal)
      const socket = streams.createConnection({ peer: found.peer })
      ready(socket)
      await connected(socket, signal, found.limits.connect).catch((error: unknown) => {
        throw signal.aborted ? error : new StreamFailure(toStreamError(error), true, { isTaken: false })
      })
      return { socket, rest: Buffer.alloc(0), id: peer.id }
    }
    const authority = hostAndPort(target)
    const outgoing = httpRequest({
      method: 'CONNECT',
      path: authority,
      headers: ['Host', authority, ...pathFields(peer).flat()],
      setHost: false,
      createConnection: () => streams.createConnection({ peer })
    })
    // The head is in the stream then, ahead of whatever is written to it.
    outgoing.once('finish', () => { if (outgoing.socket !== null && !outgoing.destroyed) ready(outgoing.socket) })
    outgoing.end()
    const { response, socket, rest } = await tookOver(outgoing, { method: 'CONNECT', target, fields: [], signal }, limits).catch(
      (error: unknown) => {
        if (error instanceof StreamFailure) {
          backend.noteStream(peer.id, false)
          backend.driver.suspectExit(peer.id)
        }
        throw error
      }
    )
    backend.noteStream(peer.id, true)
    const status = response.statusCode ?? 0
    if (status >= 200 && status < 300) return { socket, rest, id: peer.id }
    socket.destroy()
    const code = proxyCodeOfExit(String(response.headers['x-minwww-error'] ?? '')) ?? CONNECT_STATUS[status] ?? 'MINWWW_CONNECTION_FAILED'
    // Another exit may have another policy, or more time. Nothing has happened yet.
    throw new StreamFailure(new ProxyError(code, `the exit answered ${status}`), true)
  }

  async #ask (request: SiteRequest, asked: StreamPeer, usual: Limits, backend: Backend): Promise<TakenOver & { exit: string } | Answer> {
    if (backend.streams === undefined) throw new ProxyError('MINWWW_NOT_IMPLEMENTED', 'Upgrade')
    const { peer, limits } = await backend.sessionStreams.fromWhere(asked, usual, request.signal)
    const outgoing = httpRequest({
      method: 'GET',
      path: peer.kind === 'exit' ? request.target.url : request.target.path,
      headers: [...request.fields, ...pathFields(peer), ['Connection', 'Upgrade'], ['Upgrade', 'websocket']].flat(),
      setHost: false,
      createConnection: () => backend.streams!.createConnection({ peer })
    })
    outgoing.end()
    const reply = await replyTo(outgoing, request, limits)
    return reply.kind === 'response' ? await toAnswer(reply.response, request, peer) : { ...reply, exit: peer.id }
  }

  /** Before the browser hears of it, it may have left. */
  #join ({ browser, socket, rest, head, signal, activity }: Joining): void {
    if (signal.aborted) {
      socket.destroy()
      throw reasonOf(signal)
    }
    activity.path = 'tunnel'
    const pair = [browser, socket] as const
    const close = (): void => {
      for (const end of pair) {
        this.#sockets.delete(end)
        end.destroy()
      }
      activity.bytes = bytesOf(browser)
      this.#options.activity.end(activity)
    }
    const siteClosed = (): void => { if (socket.readableEnded && !browser.destroyed) letFinish(browser, socket, close); else close() }
    for (const end of pair) this.#sockets.add(end)
    browser.on('error', close).once('close', close)
    socket.on('error', () => {}).once('close', siteClosed)
    if (head !== undefined) browser.write(head, 'latin1')
    if (rest.length > 0) browser.write(rest)
    // Both are full streams of their own: the end of one direction ends that direction only.
    browser.pipe(socket, { end: false })
    socket.pipe(browser)
    endQuietly(browser, socket)
    if (head !== undefined) browser.openTunnel()
    browser.setTimeout(this.#options.settings.timeouts.tunnel, close)
    browser.setNoDelay(true)
    if (browser.destroyed) close()
    else if (socket.destroyed) siteClosed()
  }

  #failed (activity: Activity, error: unknown, signal: AbortSignal): void {
    const failure = toStreamError(error)
    const outcome = signal.aborted && signal.reason === error ? { path: 'left' as const } : { path: 'error' as const, error: failure.code }
    this.#options.activity.end(Object.assign(activity, outcome, { status: failure.kind.status }))
  }
}

/**
 * A client that has said everything ends its side, and most servers take that for its leaving: they hear of it when they
 * have been silent for a moment, so that what was asked last is answered.
 */
function endQuietly (browser: Duplex, site: Duplex): void {
  const ended = (): void => {
    const timer = setTimeout(() => { site.end() }, QUIET)
    const wait = (): void => { timer.refresh() }
    site.on('data', wait)
    site.once('end', () => { site.end() })
    site.once('close', () => clearTimeout(timer))
    site.once('finish', () => site.off('data', wait))
  }
  if (browser.readableEnded) ended()
  else browser.once('end', ended)
}

/** The site has said all: what waits for a browser that reads slowly is not thrown away, and what it still says is. */
function letFinish (browser: TunnelEnd, site: Duplex, close: () => void): void {
  browser.unpipe(site)
  browser.resume()
  const wait = (): void => { browser.setTimeout(LINGER, close) }
  if (browser.writableFinished) wait()
  else browser.once('finish', wait)
}

/** Who can open a tunnel, best first, and how long they may take. */
interface Way { target: Target, backend: Backend, candidates: readonly Candidate[], limits: Limits }

interface Joining {
  browser: TunnelEnd
  socket: Duplex
  rest: Buffer
  /** What the browser is told; undefined where it was told before. */
  head?: string
  signal: AbortSignal
  activity: Activity
}

/** The browser has left before its tunnel stood. */
class BrowserGone extends Error {}

const hostAndPort = ({ host, port }: Target): string => `${host.includes(':') ? `[${host}]` : host}:${port}`

/** @throws StreamFailure also where the peer answered as to any other request */
async function tookOver (outgoing: ClientRequest, request: SiteRequest, limits: Limits): Promise<TakenOver> {
  const reply = await replyTo(outgoing, request, limits)
  if (reply.kind === 'taken over') return reply
  reply.response.destroy()
  throw new ProxyError('MINWWW_CONNECTION_FAILED', 'no tunnel')
}

function upgradeHead (response: IncomingMessage): string {
  const passed = filterResponseFields(without(pairs(response.rawHeaders), 'content-length'))
  const fields: Fields = [['Connection', 'Upgrade'], ['Upgrade', 'websocket'], ...passed]
  return ['HTTP/1.1 101 Switching Protocols', ...fields.map(([name, value]) => `${name}: ${value}`), '', ''].join('\r\n')
}
