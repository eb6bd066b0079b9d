import { PassThrough, type Transform } from 'node:stream'
import { createBrotliDecompress, createInflateRaw } from 'node:zlib'
import {
  CODINGS,
  DICTIONARY,
  MAX_HEAD,
  MAX_PROMISED_URL,
  MAX_PROMISES,
  MAX_RESPONSE,
  parseResponse,
  ProtocolError,
  splitPromises,
  type HttpResponse
} from '@minwww/protocol'
import { ProxyError } from '../http/failures.ts'
import { counted } from '../http/pieces.ts'

const END_OF_HEAD = Buffer.from('\r\n\r\n')

/** Bytes of promises in front of a response. */
const MAX_LINES = MAX_PROMISES * (MAX_PROMISED_URL + 16)

/** The head of a response, and its body as it arrives. */
export interface Begun { readonly head: Omit<HttpResponse, 'body'>, readonly body: AsyncGenerator<Buffer> }

/** A response whose coded object comes in parts; it is decoded as far as it has come, and as fast as it is read. */
export class ArrivingResponse {
  #decoder: Transform | undefined
  readonly #fail: (error: Error) => void
  readonly #started: Promise<Transform>
  #start: (decoder: Transform) => void = () => {}
  /** Settles when the head is there; fails with what ends it before. */
  readonly begun: Promise<Begun>

  constructor () {
    let fail: (error: Error) => void = () => {}
    this.#started = new Promise((resolve, reject) => {
      this.#start = resolve
      fail = reject
    })
    this.#fail = fail
    this.begun = this.#begin()
    this.begun.catch(() => {})
  }

  /** The next bytes of the object: no more in all than an object has. */
  add (bytes: Buffer): void {
    if (this.#decoder !== undefined) {
      this.#decoder.write(bytes)
      return
    }
    const decoder = decoderOf(bytes[0])
    this.#decoder = decoder
    // Whoever reads it hears of it.
    decoder.on('error', () => {})
    decoder.write(bytes.subarray(1))
    this.#start(decoder)
  }

  /** The object is whole. */
  end (): void {
    this.#decoder?.end()
  }

  /** It will not become whole. */
  fail (error: Error): void {
    this.#fail(error)
    this.#decoder?.destroy(error)
  }

  async #begin (): Promise<Begun> {
    const pieces = readBounded(await this.#started)
    let read: Buffer = Buffer.alloc(0)
    let isPastPromises = false
    for (;;) {
      if (!isPastPromises) {
        const split: { message: Buffer } | undefined = splitPromises(read)
        isPastPromises = split !== undefined
        read = split?.message ?? read
      }
      const end = isPastPromises ? read.subarray(0, MAX_HEAD).indexOf(END_OF_HEAD) : -1
      if (end >= 0) {
        const bodyStart = end + END_OF_HEAD.length
        const { status, reason, headers } = parseResponse(read.subarray(0, bodyStart), 'beginning')
        return { head: { status, reason, headers }, body: counted([[read.subarray(bodyStart)], pieces], undefined) }
      }
      const next = read.length < (isPastPromises ? MAX_HEAD : MAX_LINES) ? await pieces.next() : undefined
      if (next?.value === undefined) throw new ProtocolError('MINWWW_BAD_HTTP', 'no end of head')
      read = Buffer.concat([read, next.value])
    }
  }
}

function decoderOf (coding: number | undefined): Transform {
  switch (coding) {
    case CODINGS.identity: return new PassThrough()
    case CODINGS.deflate: return createInflateRaw({ dictionary: DICTIONARY })
    case CODINGS.brotli: return createBrotliDecompress()
    default: {
      const unknown = new PassThrough()
      unknown.destroy(new ProtocolError('MINWWW_BAD_OBJECT', 'an unknown coding'))
      return unknown
    }
  }
}

async function * readBounded (decoder: Transform): AsyncGenerator<Buffer, undefined> {
  let size = 0
  for await (const piece of decoder as AsyncIterable<Buffer>) {
    size += piece.length
    if (size > MAX_RESPONSE) throw new ProxyError('MINWWW_BAD_UPSTREAM', 'the answer decodes to too much')
    yield piece
  }
  return undefined
}
