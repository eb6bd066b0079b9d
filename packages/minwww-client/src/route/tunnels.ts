import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { ActivityLog, Activity } from './activity.ts'
import { reasonOf, type Answer, type SiteRequest } from '../http/answer.ts'
import type { Backend } from '../sessions/backend.ts'
import type { SiteFetcher } from './site-fetcher.ts'
import { ProxyError } from '../http/failures.ts'
import { pairs, without, type Fields } from '../http/fields.ts'
import type { Settings } from '../http/settings.ts'
import { firstOf } from './peer-search.ts'
import { filterResponseFields } from '../http/response-fields.ts'
import { connected, replyTo, toAnswer, toStreamError, type Limits, type TakenOver } from './stream-path.ts'
import { bytesOf, type StreamPeer } from './streams.ts'
import type { Target } from '../http/target.ts'

/** Silence of the site after which it hears that the browser has ended its side, ms. */
const QUIET = 1_000

/** How a refused CONNECT of an exit reads in the proxy's own codes. */
const CONNECT_STATUS: Readonly<Record<number, ConstructorParameters<typeof ProxyError>[0]>> = {
  403: 'MINWWW_POLICY', 429: 'MINWWW_BUSY', 451: 'MINWWW_LEGAL', 503: 'MINWWW_BUSY', 504: 'MINWWW_UPSTREAM_TIMEOUT', 508: 'MINWWW_LOOP'
}

export interface TunnelOptions {
  fetcher: SiteFetcher
  activity: ActivityLog
  settings: Pick<Settings, 'timeout' | 'timeouts'>
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

  constructor (options: TunnelOptions) {
    this.#options = options
  }

  /** Opens the way for CONNECT, then tells the browser. @throws ProxyError */
  async connect (target: Target, browser: TunnelEnd, backend: Backend, signal: AbortSignal, user?: string): Promise<void> {
    const request: SiteRequest = { method: 'CONNECT', target, fields: [], signal }
    const activity = this.#options.activity.begin('CONNECT', `${target.host}:${target.port}`, user)
    try {
      const { socket, rest, id } = await this.#open(request, backend)
      const head = 'HTTP/1.1 200 Connection established\r\n\r\n'
      this.#join({ browser, socket, rest, head, signal, activity: Object.assign(activity, { exit: id, status: 200 }) })
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
        ? [{ kind: 'site', id: route.destination.b32, destination: route.destination, port: request.target.port }]
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

  async #open (request: SiteRequest, backend: Backend): Promise<{ socket: Duplex, rest: Buffer, id: string }> {
    if (backend.streams === undefined) throw new ProxyError('MINWWW_NOT_IMPLEMENTED', 'CONNECT')
    const { fetcher, settings } = this.#options
    const { target } = request
    const route = await fetcher.route(target, backend)
    if (route.to === 'site') {
      const socket = backend.streams.createConnection({ peer: { kind: 'site', id: '', destination: route.destination, port: target.port } })
      await connected(socket, request.signal, settings.timeout)
      return { socket, rest: Buffer.alloc(0), id: route.destination.b32 }
    }
    await fetcher.poolReady(backend, request.signal)
    return await firstOf(fetcher.exitPeers(backend, target), fetcher.limitsOf(backend), async (peer, limits) => {
      const outgoing = httpRequest({
        method: 'CONNECT',
        path: `${target.host.includes(':') ? `[${target.host}]` : target.host}:${target.port}`,
        headers: ['Host', `${target.host.includes(':') ? `[${target.host}]` : target.host}:${target.port}`],
        setHost: false,
        createConnection: () => backend.streams!.createConnection({ peer })
      })
      outgoing.end()
      const { response, socket, rest } = await tookOver(outgoing, request, limits)
      const status = response.statusCode ?? 0
      backend.noteStream(peer.id, true)
      if (status >= 200 && status < 300) return { socket, rest, id: peer.id }
      socket.destroy()
      throw new ProxyError(CONNECT_STATUS[status] ?? 'MINWWW_CONNECTION_FAILED', `the exit answered ${status}`)
    }, (_failure, { id }) => {
      backend.noteStream(id, false)
      backend.driver.suspectExit(id)
      return true
    })
  }

  async #ask (request: SiteRequest, peer: StreamPeer, limits: Limits, backend: Backend): Promise<TakenOver & { exit: string } | Answer> {
    if (backend.streams === undefined) throw new ProxyError('MINWWW_NOT_IMPLEMENTED', 'Upgrade')
    const outgoing = httpRequest({
      method: 'GET',
      path: peer.kind === 'exit' ? request.target.url : request.target.path,
      headers: [...request.fields, ['Connection', 'Upgrade'], ['Upgrade', 'websocket']].flat(),
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
    for (const end of pair) {
      this.#sockets.add(end)
      end.on('error', close)
      end.once('close', close)
    }
    browser.write(head, 'latin1')
    if (rest.length > 0) browser.write(rest)
    // Both are full streams of their own: the end of one direction ends that direction only.
    browser.pipe(socket, { end: false })
    socket.pipe(browser)
    endQuietly(browser, socket)
    browser.openTunnel()
    browser.setTimeout(this.#options.settings.timeouts.tunnel, close)
    browser.setNoDelay(true)
    if (pair.some(end => end.destroyed)) close()
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
  browser.once('end', () => {
    const timer = setTimeout(() => { site.end() }, QUIET)
    const wait = (): void => { timer.refresh() }
    site.on('data', wait)
    site.once('end', () => { site.end() })
    site.once('close', () => clearTimeout(timer))
    site.once('finish', () => site.off('data', wait))
  })
}

interface Joining { browser: TunnelEnd, socket: Duplex, rest: Buffer, head: string, signal: AbortSignal, activity: Activity }

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
