import { request as httpRequest, ServerResponse, type ClientRequest, type IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { ActivityLog, Activity } from '../proxy/activity.ts'
import type { SiteRequest } from '../http/answer.ts'
import type { Backend } from '../sessions/backend.ts'
import type { SiteFetcher } from './site-fetcher.ts'
import { ProxyError } from '../http/failures.ts'
import { pairs, type Fields } from '../http/fields.ts'
import { firstOf } from './peer-search.ts'
import { filterResponseFields } from '../http/response-fields.ts'
import { connected, StreamFailure, toStreamError, watch, type Limits } from './stream-path.ts'
import { bytesOf, type StreamPeer } from './streams.ts'
import type { Target } from '../http/target.ts'

/** A tunnel with no byte in either direction for this long is closed, ms. */
const IDLE = 3_600_000

/** How a refused CONNECT of an exit reads in the proxy's own codes. */
const CONNECT_STATUS: Readonly<Record<number, ConstructorParameters<typeof ProxyError>[0]>> = {
  403: 'MINWWW_POLICY', 429: 'MINWWW_BUSY', 451: 'MINWWW_LEGAL', 503: 'MINWWW_BUSY', 504: 'MINWWW_UPSTREAM_TIMEOUT', 508: 'MINWWW_LOOP'
}

export interface TunnelOptions { fetcher: SiteFetcher, activity: ActivityLog, timeout: number }

/** CONNECT and Upgrade: bytes of the browser over a stream, to the site or through an exit. */
export class Tunnels {
  readonly #options: TunnelOptions
  readonly #sockets = new Set<Duplex>() // two per tunnel, bounded by the listener's maxConnections

  constructor (options: TunnelOptions) {
    this.#options = options
  }

  /** Opens the way for CONNECT, then tells the browser. @throws ProxyError */
  async connect (target: Target, browser: Duplex, head: Buffer, backend: Backend, signal: AbortSignal): Promise<void> {
    const request: SiteRequest = { method: 'CONNECT', target, fields: [], signal }
    const activity = this.#options.activity.begin('CONNECT', `${target.host}:${target.port}`)
    try {
      const { socket, rest, id } = await this.#open(request, backend)
      browser.write('HTTP/1.1 200 Connection established\r\n\r\n')
      if (rest.length > 0) browser.write(rest)
      if (head.length > 0) socket.write(head)
      this.#join(browser, socket, Object.assign(activity, { exit: id, status: 200 }))
    } catch (error) {
      this.#failed(activity, error)
      throw error
    }
  }

  /**
   * A WebSocket: the site's 101 goes back to the browser, or whatever it answers instead.
   * @returns a response that is no 101, to be sent as any other
   */
  async upgrade (request: SiteRequest, browser: Duplex, head: Buffer, backend: Backend): Promise<void | { response: IncomingMessage, exit: string }> {
    const route = await this.#options.fetcher.route(request.target, backend)
    const peers: StreamPeer[] = route.to === 'site'
      ? [{ kind: 'site', id: route.destination.b32, destination: route.destination, port: request.target.port }]
      : this.#options.fetcher.exitPeers(backend, request.target)
    const activity = this.#options.activity.begin('UPGRADE', request.target.url)
    try {
      const outcome = await firstOf(peers, this.#options.timeout, async (peer, limits) => await this.#ask(request, peer, limits, backend))
      if ('response' in outcome) {
        this.#options.activity.end(Object.assign(activity, { path: 'stream', status: outcome.response.statusCode }))
        return outcome
      }
      const { response, socket, rest, exit } = outcome.upgraded
      browser.write(upgradeHead(response))
      if (rest.length > 0) browser.write(rest)
      if (head.length > 0) socket.write(head)
      this.#join(browser, socket, Object.assign(activity, { exit, status: 101 }))
    } catch (error) {
      this.#failed(activity, error)
      throw error
    }
  }

  close (): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async #open (request: SiteRequest, backend: Backend): Promise<{ socket: Duplex, rest: Buffer, id: string }> {
    if (backend.streams === undefined) throw new ProxyError('MINWWW_NOT_IMPLEMENTED', 'CONNECT')
    const { fetcher, timeout } = this.#options
    const { target } = request
    const route = await fetcher.route(target, backend)
    if (route.to === 'site') {
      const socket = backend.streams.createConnection({ peer: { kind: 'site', id: '', destination: route.destination, port: target.port } })
      await connected(socket, request.signal, timeout)
      return { socket, rest: Buffer.alloc(0), id: route.destination.b32 }
    }
    return await firstOf(fetcher.exitPeers(backend, target), timeout, async (peer, limits) => {
      const outgoing = httpRequest({
        method: 'CONNECT',
        path: `${target.host.includes(':') ? `[${target.host}]` : target.host}:${target.port}`,
        headers: ['Host', `${target.host.includes(':') ? `[${target.host}]` : target.host}:${target.port}`],
        setHost: false,
        createConnection: () => backend.streams!.createConnection({ peer })
      })
      outgoing.end()
      const { response, socket, rest } = await takeOver(outgoing, 'connect', request, limits)
      const status = response.statusCode ?? 0
      if (status >= 200 && status < 300) return { socket, rest, id: peer.id }
      socket.destroy()
      throw new ProxyError(CONNECT_STATUS[status] ?? 'MINWWW_CONNECTION_FAILED', `the exit answered ${status}`)
    })
  }

  async #ask (request: SiteRequest, peer: StreamPeer, limits: Limits, backend: Backend): Promise<Upgraded | { response: IncomingMessage, exit: string }> {
    if (backend.streams === undefined) throw new ProxyError('MINWWW_NOT_IMPLEMENTED', 'Upgrade')
    const outgoing = httpRequest({
      method: 'GET',
      path: peer.kind === 'exit' ? request.target.url : request.target.path,
      headers: [...request.fields, ['Connection', 'Upgrade'], ['Upgrade', 'websocket']].flat(),
      setHost: false,
      createConnection: () => backend.streams!.createConnection({ peer })
    })
    outgoing.end()
    const answered = new Promise<{ response: IncomingMessage, exit: string }>(resolve => { outgoing.once('response', response => resolve({ response, exit: peer.id })) })
    const upgraded = takeOver(outgoing, 'upgrade', request, limits).then(taken => ({ upgraded: { ...taken, exit: peer.id } }))
    return await Promise.race([answered, upgraded])
  }

  #join (browser: Duplex, site: Duplex, activity: Activity): void {
    activity.path = 'tunnel'
    const pair = [browser, site] as const
    // Both are full streams of their own: the end of one direction ends that direction only.
    browser.pipe(site)
    site.pipe(browser)
    const close = (): void => {
      for (const socket of pair) {
        this.#sockets.delete(socket)
        socket.destroy()
      }
      activity.bytes = bytesOf(browser)
      this.#options.activity.end(activity)
    }
    for (const socket of pair) {
      this.#sockets.add(socket)
      socket.on('error', close)
      socket.once('close', close)
    }
    const tcp = browser as Partial<Socket>
    tcp.setTimeout?.(IDLE, close)
    tcp.setNoDelay?.(true)
  }

  #failed (activity: Activity, error: unknown): void {
    const failure = toStreamError(error)
    this.#options.activity.end(Object.assign(activity, { path: 'error', status: failure.kind.status, error: failure.code }))
  }
}

interface Upgraded { upgraded: { response: IncomingMessage, socket: Duplex, rest: Buffer, exit: string } }

async function takeOver (outgoing: ClientRequest, event: 'connect' | 'upgrade', request: SiteRequest, limits: Limits): Promise<{ response: IncomingMessage, socket: Duplex, rest: Buffer }> {
  return await new Promise((resolve, reject) => {
    const settle = watch(outgoing, request, limits, error => { reject(new StreamFailure(error, true)) })
    outgoing.once('response', settle)
    outgoing.once(event, (response: IncomingMessage, socket: Duplex, rest: Buffer) => {
      settle()
      resolve({ response, socket, rest })
    })
  })
}

function upgradeHead (response: IncomingMessage): string {
  const fields: Fields = [['Connection', 'Upgrade'], ['Upgrade', 'websocket'], ...filterResponseFields(pairs(response.rawHeaders).filter(([name]) => !/^content-length$/i.test(name)))]
  return ['HTTP/1.1 101 Switching Protocols', ...fields.map(([name, value]) => `${name}: ${value}`), '', ''].join('\r\n')
}

/** A response object on a socket that an Upgrade took from the server. */
export function responseOn (request: IncomingMessage, socket: Duplex): ServerResponse {
  const response = new ServerResponse(request)
  response.shouldKeepAlive = false
  response.assignSocket(socket as Socket)
  response.once('finish', () => {
    response.detachSocket(socket as Socket)
    socket.end()
  })
  return response
}
