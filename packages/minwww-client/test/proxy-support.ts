import { EventEmitter } from 'node:events'
import { connect } from 'node:net'
import type { SessionState } from '@minwww/i2cp'
import { LocalDestination, type Destination } from '@minwww/i2cp/codec'
import { encodeResponse, parseRequest, type HeaderList, type HttpRequest } from '@minwww/protocol'
import { createProxy, type Proxy, type ProxyOptions } from '../src/index.ts'
import type { DrivenCore, FailedEvent } from '../src/sessions/client-driver.ts'
import type { ProxySession } from '../src/sessions/proxy-session.ts'
import type { ClientEvent, ExitStatus, RequestOptions, RequestTrace } from '../src/core.ts'

export const TRACE: RequestTrace = {
  attempts: 1, messagesSent: 1, messagesReceived: 1, symbols: 1, bytesSent: 700, bytesReceived: 900, tunnelMessages: 2, total: 5, repaired: false, hedged: false
}

const STATUS: Omit<ExitStatus, 'id' | 'destination'> = {
  state: 'ready', loss: 0.01, rate: 131_072, shape: 8, srtt: 400, rttvar: 20, successes: 3, failures: 0, inFlight: 0, waiting: 0
}

export interface FakeResponse {
  status?: number
  reason?: string
  headers?: HeaderList
  body?: Buffer | string
  /** The body is a beginning; its rest has this id. */
  rest?: number
}
/** The session of every rest. */
export const REST_SESSION = '5a2dcf8e478e1034'
type Failure = Partial<FailedEvent> & Pick<FailedEvent, 'code'>
/** What the pretended exits do with a request. `undefined` never answers. */
export type Site = (
  request: HttpRequest,
  options: RequestOptions
) => FakeResponse | { fail: Failure } | undefined | Promise<FakeResponse | { fail: Failure } | undefined>

let seed = 1
/** Reproducible keys. */
export function keys (): LocalDestination {
  let state = seed++
  return LocalDestination.generate(n =>
    Buffer.from(Array.from({ length: n }, () => ((state = (state * 1103515245 + 12345) & 0x7fffffff) >> 16) & 0xff))
  )
}

export class FakeSession extends EventEmitter implements ProxySession {
  readonly keys = keys()
  readonly destination = this.keys.destination
  state: SessionState = 'ready'
  readonly clockOffset = 0
  readonly limits = []
  names = new Map<string, Destination>()
  sent: unknown[] = []
  lookups: string[] = []
  send (...message: unknown[]): number {
    this.sent.push(message)
    return 0
  }

  async lookup (name: string): Promise<Destination> {
    this.lookups.push(name)
    const destination = this.names.get(name)
    if (destination === undefined) throw Object.assign(new Error('not found'), { code: 'I2CP_LOOKUP_FAILED' })
    return destination
  }
}

/** A core that does nothing, but for the parts given. */
export function idleCore (parts: Partial<DrivenCore> = {}): DrivenCore {
  return {
    addExit () {},
    removeExit () {},
    exits: () => [],
    request: () => 1,
    cancel () {},
    receive () {},
    suspend () {},
    resume () {},
    nextTimeout: () => undefined,
    handleTimeout () {},
    pollTransmit: () => undefined,
    pollEvent: () => undefined,
    ...parts
  }
}

/** Stands for the core: answers by a function, without messages. */
export class FakeCore implements DrivenCore {
  readonly requests: HttpRequest[] = []
  readonly options: RequestOptions[] = []
  readonly cancelled: number[] = []
  readonly #events: ClientEvent[] = []
  readonly #exits = new Map<string, Destination>()
  session: FakeSession
  site: Site
  onCancel: (() => void) | undefined
  /** What all exits are like. */
  status: Partial<ExitStatus> = {}
  #next = 1

  constructor (session: FakeSession, site: Site) {
    this.session = session
    this.site = site
  }

  addExit (_now: number, { id, destination }: { id: string, destination: Destination }): void { this.#exits.set(id, destination) }
  removeExit (_now: number, id: string): void { this.#exits.delete(id) }
  exits (): ExitStatus[] {
    return [...this.#exits].map(([id, destination]) => ({ ...STATUS, ...this.status, id, destination }))
  }

  request (_now: number, options: RequestOptions): number {
    const handle = this.#next++
    const request = parseRequest(options.message)
    this.requests.push(request)
    this.options.push(options)
    this.#answer(handle, request, options).catch(error => this.session.emit('error', error))
    return handle
  }

  cancel (_now: number, handle: number): void {
    this.cancelled.push(handle)
    this.onCancel?.()
  }

  /** Something happens. */
  tell (event: ClientEvent): void {
    this.#events.push(event)
    this.session.emit('message', { protocol: 18, fromPort: 1, toPort: 1, payload: Buffer.alloc(0) })
  }

  /** As the core does when the state of an exit changes. */
  tellState (exit: string, state: ExitStatus['state']): void {
    this.tell({ type: 'exit-state', exit, state })
  }

  suspend (): void {}
  resume (): void {}
  receive (): void {}
  nextTimeout (): number | undefined { return undefined }
  handleTimeout (): void {}
  pollTransmit (): undefined { return undefined }
  pollEvent (): ClientEvent | undefined { return this.#events.shift() }

  async #answer (handle: number, request: HttpRequest, options: RequestOptions): Promise<void> {
    const answer = await this.site(request, options)
    if (answer === undefined) return
    const [exit, destination] = this.#exits.entries().next().value ?? ['exit', this.session.destination]
    if ('fail' in answer) this.#events.push({ type: 'failed', handle, detail: '', exit, trace: TRACE, ...answer.fail })
    else {
      const body = Buffer.from(answer.body ?? '')
      const headers = answer.headers ?? [['Content-Type', 'text/plain']]
      const message = encodeResponse({ status: answer.status ?? 200, reason: answer.reason ?? 'OK', headers, body })
      const rest =
        answer.rest === undefined
          ? undefined
          : { exit: options.destination ?? destination, source: 0, session: REST_SESSION, id: answer.rest }
      if (rest !== undefined) this.#events.push({ type: 'begins', handle, rest })
      this.#events.push({ type: 'response', handle, exit, trace: TRACE, message, ...(rest !== undefined && { rest }) })
    }
    this.session.emit('message', { protocol: 18, fromPort: 1, toPort: 1, payload: Buffer.alloc(0) })
  }
}

export interface Fixture { proxy: Proxy, core: FakeCore, session: FakeSession, port: number }

/** A listening proxy whose exits answer by `site`. */
export async function startProxy (site: Site, options: Partial<ProxyOptions> = {}): Promise<Fixture> {
  const session = new FakeSession()
  const core = new FakeCore(session, site)
  const proxy = await createProxy({
    sessions: [session],
    exits: [{ id: 'one', destination: keys().destination }],
    listen: { host: '127.0.0.1', port: 0 },
    createCore: () => core,
    ...options
  })
  return { proxy, core, session, port: proxy.address.port }
}

export interface RawResponse {
  status: number,
  reason: string,
  fields: Array<[
    string, string
  ]>,
  body: Buffer,
  text: string,
  get: (name: string) => string | undefined,
  raw: string
}

/** Writes bytes as they are and reads to the end of the connection. */
export async function raw (port: number, bytes: string | Buffer, { half = true } = {}): Promise<Buffer> {
  return await new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }, () => {
      half ? socket.end(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes) : socket.write(bytes)
    })
    socket.on('data', chunk => chunks.push(chunk))
    socket.on('error', error => {
      if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET' && (error as NodeJS.ErrnoException).code !== 'EPIPE') reject(error)
    })
    socket.on('close', () => { resolve(Buffer.concat(chunks)) })
    socket.on('end', () => socket.destroy())
  })
}

/** The first response in the bytes; a chunked body is put together. */
export function parseRaw (bytes: Buffer): RawResponse {
  const end = bytes.indexOf('\r\n\r\n')
  const [start = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n')
  const fields = lines.map((line): [string, string] => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()])
  const get = (name: string): string | undefined => fields.find(field => field[0].toLowerCase() === name)?.[1]
  const rest = bytes.subarray(end + 4)
  const body = get('transfer-encoding') === 'chunked' ? dechunk(rest) : rest
  const match = /^HTTP\/1\.1 (\d{3}) ?(.*)$/.exec(start)
  return {
    status: Number(match?.[1] ?? 0), reason: match?.[2] ?? '', fields, body, text: body.toString(), get, raw: bytes.toString('latin1')
  }
}

function dechunk (bytes: Buffer): Buffer {
  const chunks: Buffer[] = []
  for (let at = 0; ;) {
    const line = bytes.indexOf('\r\n', at)
    const size = Number.parseInt(bytes.toString('latin1', at, line), 16)
    if (!(size > 0)) return Buffer.concat(chunks)
    chunks.push(bytes.subarray(line + 2, line + 2 + size))
    at = line + 2 + size + 2
  }
}

/** One request with `Connection: close`. */
export async function get (
  port: number,
  url: string,
  headers: Array<[string, string]> = [],
  method = 'GET',
  body = ''
): Promise<RawResponse> {
  const host = /^http:\/\/([^/?#]*)/.exec(url)?.[1] ?? `127.0.0.1:${port}`
  const withHost = headers.some(([name]) => name.toLowerCase() === 'host') ? headers : [['Host', host.replace(/^.*@/, '')], ...headers]
  const head = [`${method} ${url} HTTP/1.1`, ...withHost.map(([name, value]) => `${name}: ${value}`), 'Connection: close', '', body].join(
    '\r\n'
  )
  return parseRaw(await raw(port, head, { half: false }))
}
