import http, { type IncomingMessage } from 'node:http'
import { duplexPair, type Duplex } from 'node:stream'
import type { Destination } from '@minwww/i2cp/codec'
import type { IncomingStream, StreamSource } from '../../src/streams/options.ts'
import { bodyOf } from './upstream.ts'

/** A stream manager without I2P: `open` gives the client's end of a stream. */
export class FakeStreams implements StreamSource {
  #onConnection: ((stream: IncomingStream) => void) | undefined
  port: number | undefined
  closed = false

  createServer (onConnection: (stream: IncomingStream) => void) {
    this.#onConnection = onConnection
    return {
      listen: (port: number) => { this.port = port },
      close: () => { this.closed = true }
    }
  }

  /** @param own - what the exit's end of the stream has besides */
  open (from: Destination, own: Pick<IncomingStream, 'inform'> = {}): Duplex {
    const [client, exit] = duplexPair({ allowHalfOpen: false })
    client.on('error', () => {})
    // A reset, which a pair in memory does not know.
    client.once('close', () => { if (!client.writableFinished || !client.readableEnded) exit.destroy() })
    exit.once('close', () => { if (!exit.writableFinished) client.destroy() })
    this.#onConnection?.(Object.assign(exit, { remoteDestination: from }, own))
    return client
  }
}

export interface Answer { status: number, headers: Record<string, string | string[] | undefined>, body: Buffer }

/** One request over a stream. */
export async function over (stream: Duplex, path: string, options: http.RequestOptions & { body?: Buffer } = {}): Promise<Answer> {
  const { body, ...rest } = options
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = http.request({ createConnection: () => stream, path, headers: { host: 'demo.i2p' }, ...rest })
    request.once('response', resolve).once('error', reject)
    request.end(body)
  })
  return { status: response.statusCode ?? 0, headers: response.headers, body: await bodyOf(response) }
}

export interface Tunnel { status: number, headers: http.IncomingHttpHeaders, socket: Duplex, head: Buffer }

/** Sends CONNECT or an Upgrade; resolves with the status, and the stream when it is open. */
export async function tunnel (stream: Duplex, options: http.RequestOptions): Promise<Tunnel> {
  return await new Promise((resolve, reject) => {
    const request = http.request({ createConnection: () => stream, setHost: false, ...options })
    const opened = (response: IncomingMessage, socket: Duplex, head: Buffer) => {
      resolve({ status: response.statusCode ?? 0, headers: response.headers, socket, head })
    }
    request.once('connect', opened).once('upgrade', opened).once('error', reject)
    request.once('response', response => opened(response, stream, Buffer.alloc(0)))
    request.end()
  })
}

/** Reads until so many bytes have come. */
export async function read (stream: Duplex, length: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  return await new Promise((resolve, reject) => {
    const onData = (chunk: Buffer) => {
      chunks.push(chunk)
      size += chunk.length
      if (size < length) return
      stream.off('data', onData)
      resolve(Buffer.concat(chunks))
    }
    stream.on('data', onData).once('error', reject).once('close', () => reject(new Error('closed')))
  })
}
