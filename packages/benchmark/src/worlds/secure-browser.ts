import { once } from 'node:events'
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http'
import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { PassThrough, type Duplex } from 'node:stream'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import type { Address } from '../fetch.ts'

export const PROTOCOLS = ['http/1.1', 'h2'] as const
export type Protocol = typeof PROTOCOLS[number]

/** As browsers have for one host with HTTP/1.1. */
const CONNECTIONS = 6
const MAX_HEAD = 16_384
/** Chromium's windows of HTTP/2, bytes; node's 64 KB would let a server send that much in a round trip. */
const STREAM_WINDOW = 6 * 1_048_576
const CONNECTION_WINDOW = 15 * 1_048_576

export interface SecureBrowserOptions {
  /** The HTTP proxy. */
  via: Address
  /** Port of the site on 127.0.0.1. */
  port: number
  /** PEM. */
  ca: Buffer
  protocol: Protocol
  /** ms for one connection and for one response. */
  timeout: number
  /** Of an earlier browser at that site: the handshake resumes it. */
  ticket?: Buffer | undefined
}

export interface Fetched { body: Buffer, firstByte: number }

/** The connections of one visit to an https site through a proxy: TLS 1.3, six with HTTP/1.1 or one with HTTP/2. */
export class SecureBrowser {
  /** For the next visit. */
  ticket: Buffer | undefined
  readonly #options: SecureBrowserOptions
  readonly #agent: Agent
  readonly #sockets = new Set<Socket>()
  #session: Promise<ClientHttp2Session> | undefined

  constructor (options: SecureBrowserOptions) {
    this.#options = options
    this.#agent = new SecureAgent(async () => await this.#connect())
  }

  /** `firstByte` is on the clock of performance.now(). @throws Error also for another status than 200 */
  async fetch (path: string): Promise<Fetched> {
    return this.#options.protocol === 'h2' ? await this.#overHttp2(path) : await this.#overHttp1(path)
  }

  close (): void {
    this.#agent.destroy()
    this.#session?.then(session => { session.destroy() }, () => {})
    for (const socket of this.#sockets) socket.destroy()
  }

  async #overHttp1 (path: string): Promise<Fetched> {
    const { port, timeout } = this.#options
    const outgoing = httpRequest({ agent: this.#agent, host: '127.0.0.1', port, path, timeout })
    outgoing.once('timeout', () => outgoing.destroy(new Error(`no answer within ${timeout} ms`)))
    outgoing.end()
    const [response] = await once(outgoing, 'response') as [IncomingMessage]
    const firstByte = performance.now()
    if (response.statusCode !== 200) throw new Error(`status ${response.statusCode ?? 0}`)
    return { firstByte, body: await bytesOf(response) }
  }

  async #overHttp2 (path: string): Promise<Fetched> {
    const { port, timeout } = this.#options
    this.#session ??= this.#connect().then(async socket => {
      const settings = { initialWindowSize: STREAM_WINDOW }
      const session = connectHttp2(`https://127.0.0.1:${port}`, { createConnection: () => socket, settings })
      session.on('error', () => {})
      session.setLocalWindowSize(CONNECTION_WINDOW)
      return session
    })
    const stream = (await this.#session).request({ ':path': path })
    stream.setTimeout(timeout, () => stream.destroy(new Error(`no answer within ${timeout} ms`)))
    const [fields] = await once(stream, 'response') as [{ ':status'?: number }]
    const firstByte = performance.now()
    if (fields[':status'] !== 200) throw new Error(`status ${fields[':status'] ?? 0}`)
    return { firstByte, body: await bytesOf(stream) }
  }

  /** A tunnel, and TLS in it. */
  async #connect (): Promise<TLSSocket> {
    const { via, port, ca, protocol, timeout, ticket } = this.#options
    const socket = connect(via.port, via.host)
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    socket.setNoDelay(true)
    const timer = setTimeout(() => socket.destroy(new Error(`no connection within ${timeout} ms`)), timeout)
    try {
      socket.write(`CONNECT 127.0.0.1:${port} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`)
      await established(socket)
      const secure = connectTls({
        socket, host: '127.0.0.1', ca, minVersion: 'TLSv1.3', ALPNProtocols: [protocol], ...(ticket !== undefined && { session: ticket })
      })
      secure.on('session', (ticket: Buffer) => { this.ticket = ticket })
      await once(secure, 'secureConnect')
      if (secure.isSessionReused() !== (ticket !== undefined)) throw new Error('the session was not resumed as asked')
      return secure
    } finally {
      clearTimeout(timer)
    }
  }
}

/** Reads the proxy's answer, and nothing behind it. @throws Error for another status than 200 */
async function established (socket: Socket): Promise<void> {
  let head = Buffer.alloc(0)
  await new Promise<void>((resolve, reject) => {
    const take = (chunk: Buffer): void => {
      head = Buffer.concat([head, chunk])
      const end = head.indexOf('\r\n\r\n')
      if (end < 0 && head.length <= MAX_HEAD) return
      socket.off('data', take).pause()
      const status = /^HTTP\/1\.1 (\d{3})/.exec(head.toString('latin1'))?.[1]
      if (status !== '200') return reject(new Error(`CONNECT: status ${status ?? 'of no HTTP'}`))
      if (head.length > end + 4) socket.unshift(head.subarray(end + 4))
      resolve()
    }
    socket.on('data', take).once('error', reject).once('close', () => reject(new Error('the proxy ended the connection')))
  })
}

class SecureAgent extends Agent {
  readonly #open: () => Promise<TLSSocket>

  constructor (open: () => Promise<TLSSocket>) {
    super({ keepAlive: true, maxSockets: CONNECTIONS })
    this.#open = open
  }

  override createConnection (_options: object, done?: (error: Error | null, stream: Duplex) => void): undefined {
    this.#open().then(socket => done?.(null, socket), (error: Error) => done?.(error, new PassThrough()))
  }
}

async function bytesOf (stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}
