import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { trimWhiteSpace } from '@minwww/protocol'
import type { ProxyError } from '../http/failures.ts'

/** Bytes of one browser that wait for their turn. */
export const MAX_AHEAD = 65_536
/** A browser that has ended its side is asked for a sign of life when its answer takes longer than this, ms. */
const SIGN_OF_LIFE = 1_000
/** An answer that has begun stands still for a browser that has ended its side: it has left, ms. */
const STANDSTILL = 30_000
/** What a browser still sends after its answer is read away for this long in all, and for this long in silence, ms. */
const LINGER = 30_000
const LINGER_SILENCE = 5_000
export const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n'
const NOTHING = Buffer.alloc(0)
const LF = 0x0a
const CR = 0x0d
const SP = 0x20
const HTAB = 0x09
/** More white space than this does not wait for the end of its line, bytes. */
const MAX_WHITE = 256

/** A request whose answer is under way. */
export interface Pending {
  /** A part of its body has come. */
  progress: () => void
  /** The rest of its message is no HTTP. */
  refuse: (error: ProxyError) => void
}

/** Which bytes of the browser node's parser may see. */
type Reading =
  /** Those of the next head. */
  | { at: 'head', line: Line }
  /** Those of a body: `left` bytes of it, or as many as its chunks say. */
  | { at: 'body', request: IncomingMessage, left: number | undefined }
  /** None until the answer is complete. */
  | { at: 'answer', request: IncomingMessage }
  /** All: they are no HTTP any more. */
  | { at: 'tunnel' }
  /** None any more. */
  | { at: 'end' }

/** Empty lines may stand before the request line (RFC 9112, section 2.2). */
type Line = 'none' | 'request line' | 'fields'

/** The connection as it is accepted: a TCP socket, or any stream in tests. */
export type Wire = Duplex &
  Partial<Pick<Socket, 'remoteAddress' | 'localAddress' | 'localPort' | 'bytesRead' | 'bytesWritten' | 'setTimeout' | 'setNoDelay'>>

/**
 * A browser's connection as node's HTTP server sees it: it ends with the message that is being served. The parser gets no byte
 * of the next request before the answer to this one is complete (docs/adr/0020), so that nothing is overtaken, no interim
 * answer lands in another one, and no Upgrade takes the socket away from an answer. Who only ends his own side gets his answer.
 */
export class Connection extends Duplex {
  readonly #wire: Wire
  #reading: Reading = { at: 'head', line: 'none' }
  #ahead: Buffer = Buffer.alloc(0)
  /** node asks for more. */
  #wanted = false
  /** The browser has ended its side. */
  #ended = false
  #endTold = false
  #response: ServerResponse | undefined
  #timer: NodeJS.Timeout | undefined
  /** The exchange that an error of the parser belongs to. */
  pending: Pending | undefined

  constructor (wire: Wire) {
    // One piece at a time: the next one is chosen when the parser has seen the last one.
    super({ readableHighWaterMark: 0, writableHighWaterMark: 16_384 })
    this.#wire = wire
    this.on('error', () => {})
    wire.on('data', (data: Buffer) => this.#take(data))
    wire.once('end', () => this.#heardEnd())
    wire.once('error', error => this.destroy(error))
    wire.once('close', () => this.destroy())
    wire.on('timeout', () => this.emit('timeout'))
  }

  /** The connection that a request came by. @throws TypeError for one of another server */
  static of ({ socket }: { socket: Duplex }): Connection {
    if (!(socket instanceof Connection)) throw new TypeError('not a connection of the front')
    return socket
  }

  /** Everything of the present request has been read. */
  get isWhole (): boolean {
    return this.#reading.at === 'answer' || (this.#reading.at === 'body' && this.#reading.request.complete)
  }

  get isTunnel (): boolean { return this.#reading.at === 'tunnel' }

  get remoteAddress (): string | undefined { return this.#wire.remoteAddress }
  get localAddress (): string | undefined { return this.#wire.localAddress }
  get localPort (): number | undefined { return this.#wire.localPort }
  get bytesRead (): number { return this.#wire.bytesRead ?? 0 }
  get bytesWritten (): number { return this.#wire.bytesWritten ?? 0 }

  /** As net.Socket's: 'timeout' after so many ms without a byte in either direction; 0 switches it off. */
  setTimeout (time: number, listener?: () => void): this {
    if (listener !== undefined) this.once('timeout', listener)
    this.#wire.setTimeout?.(time)
    return this
  }

  setNoDelay (noDelay?: boolean): this {
    this.#wire.setNoDelay?.(noDelay)
    return this
  }

  /** The parser has read a head. False if that cannot be: then nothing may be answered. */
  begin (request: IncomingMessage, response?: ServerResponse): boolean {
    if (this.#reading.at !== 'head') {
      this.destroy(new Error('a second request before the answer to the first'))
      return false
    }
    const length = Number(request.headers['content-length'] ?? 0)
    const isChunked = request.headers['transfer-encoding'] !== undefined
    this.#reading = isChunked || length > 0 ? { at: 'body', request, left: isChunked ? undefined : length } : { at: 'answer', request }
    if (response !== undefined) {
      this.#response = response
      // A proxy keeps no connection of HTTP/1.0 (RFC 9112, section 9.3).
      if (request.httpVersionMinor === 0) response.shouldKeepAlive = false
      response.once('close', () => this.#answered(response))
    }
    return true
  }

  /** After an Upgrade the request is answered by a response that node's server does not know. */
  answerBy (response: ServerResponse): void {
    this.#response = response
  }

  /** An interim answer (RFC 9110, section 15.2), unless the answer has begun or the browser is of HTTP/1.0. */
  writeInterim (head: string): void {
    if (this.#reading.at === 'head' || this.#reading.at === 'tunnel' || this.#reading.at === 'end') return
    // A CONNECT has no response: what refuses it is written at once, and ends the connection.
    const hasBegun = this.#response?.headersSent ?? this.writableEnded
    if (!hasBegun && this.#reading.request.httpVersionMinor > 0) this.write(head, 'latin1')
  }

  /** After CONNECT or Upgrade: every byte is the tunnel's. */
  openTunnel (): void {
    clearTimeout(this.#timer)
    this.#reading = { at: 'tunnel' }
    this.#feed()
  }

  /** The parser has given up. The exchange under way says so to the browser; true if there is none, and the caller has to. */
  refuse (error: ProxyError): boolean {
    this.#reading = { at: 'end' }
    const { pending } = this
    if (pending === undefined) return this.#response === undefined || !this.#response.headersSent
    pending.refuse(error)
    return false
  }

  /** As net.Socket's: node calls it after the last answer. */
  destroySoon (): void {
    this.end()
  }

  override _read (): void {
    this.#wanted = true
    this.#feed()
  }

  override _write (chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#wire.write(chunk, encoding, done)
  }

  override _writev (chunks: Array<{ chunk: Buffer, encoding: BufferEncoding }>, done: (error?: Error | null) => void): void {
    this.#wire.cork()
    chunks.forEach(({ chunk, encoding }, index) => this.#wire.write(chunk, encoding, index === chunks.length - 1 ? done : undefined))
    this.#wire.uncork()
  }

  override _final (done: (error?: Error | null) => void): void {
    if (this.#reading.at !== 'tunnel') this.#linger()
    this.#wire.end(done)
  }

  override _destroy (error: Error | null, done: (error?: Error | null) => void): void {
    clearTimeout(this.#timer)
    this.#reading = { at: 'end' }
    this.#ahead = Buffer.alloc(0)
    this.#wire.destroy()
    done(error)
  }

  #take (data: Buffer): void {
    if (this.#reading.at === 'end') return
    this.#ahead = this.#ahead.length === 0 ? data : Buffer.concat([this.#ahead, data])
    if (this.#ahead.length > MAX_AHEAD) this.#wire.pause()
    this.#feed()
  }

  #heardEnd (): void {
    this.#ended = true
    this.#feed()
    this.#watchEnd()
  }

  #feed (): void {
    while (this.#wanted && !this.destroyed) {
      const piece = this.#nextPiece()
      if (piece === undefined) {
        this.#tellEnd()
        return
      }
      this.#wanted = false
      if (this.#ahead.length <= MAX_AHEAD) this.#wire.resume()
      this.push(piece)
    }
  }

  /** What the parser may have now, undefined for nothing. */
  #nextPiece (): Buffer | undefined {
    const reading = this.#reading
    if (reading.at === 'body' && reading.request.complete) this.#reading = { at: 'answer', request: reading.request }
    if (this.#ahead.length === 0) return undefined
    switch (this.#reading.at) {
      case 'head': return this.#headPiece(this.#reading)
      case 'body': return this.#bodyPiece(this.#reading)
      case 'tunnel': return this.#cut(this.#ahead.length)
      case 'answer': case 'end': return undefined
    }
  }

  /** Up to the empty line. White space waits for what follows it: at the end of a line it is repaired. */
  #headPiece (reading: { line: Line }): Buffer | undefined {
    const white = this.#ended ? 0 : whiteAtEnd(this.#ahead)
    const end = endOfMessage(this.#ahead, this.#ahead.length - (white > MAX_WHITE ? 0 : white))
    if (end === 0) return undefined
    const { text, line } = repairHead(this.#cut(end).toString('latin1'), reading.line)
    reading.line = line
    return Buffer.from(text, 'latin1')
  }

  #bodyPiece (reading: { left: number | undefined }): Buffer | undefined {
    this.pending?.progress()
    if (reading.left === undefined) return this.#cut(endOfMessage(this.#ahead, this.#ahead.length))
    if (reading.left === 0) return undefined
    const piece = this.#cut(Math.min(reading.left, this.#ahead.length))
    reading.left -= piece.length
    return piece
  }

  #cut (length: number): Buffer {
    const piece = this.#ahead.subarray(0, length)
    this.#ahead = this.#ahead.subarray(length)
    return piece
  }

  /** The browser's end is node's when there is nothing left that it has to see first. */
  #tellEnd (): void {
    if (!this.#ended || this.#endTold || this.#ahead.length > 0) return
    if (this.#reading.at === 'answer' || this.#reading.at === 'end') return
    this.#endTold = true
    this.push(null)
  }

  #answered (response: ServerResponse): void {
    if (this.#response === response) this.#response = undefined
    clearTimeout(this.#timer)
    if (this.destroyed || this.#reading.at === 'end' || this.writableEnded) return
    if (!response.writableFinished) this.destroy()
    else if (!this.isWhole) this.destroySoon()
    else {
      this.#reading = { at: 'head', line: 'none' }
      this.#feed()
    }
  }

  /** Nothing that still comes is read by anybody, but a reset would take the last answer from a browser that is still sending. */
  #linger (): void {
    this.#reading = { at: 'end' }
    this.#ahead = Buffer.alloc(0)
    if (this.#ended) return
    const close = (): void => { this.destroy() }
    const silence = setTimeout(close, LINGER_SILENCE)
    this.#timer = setTimeout(close, LINGER)
    this.#wire.on('data', () => { silence.refresh() })
    this.once('close', () => clearTimeout(silence))
    this.#wire.resume()
  }

  /**
   * A browser that has left looks like one that has only ended its side, until something is written to it. An interim answer
   * may always be sent before the answer (RFC 9110, section 15.2), and is refused by the system of one that has left.
   */
  #watchEnd (): void {
    if (!this.#ended || this.destroyed || this.#reading.at !== 'answer') return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.writeInterim(CONTINUE)
      this.#lookForReset(this.bytesWritten, performance.now())
    }, SIGN_OF_LIFE)
  }

  /** The reset is reported to who writes next, be it nothing. `since`: when bytes were last written, ms. */
  #lookForReset (written: number, since: number): void {
    this.#timer = setTimeout(() => {
      const now = performance.now()
      const moved = this.bytesWritten !== written || this.writableLength > 0
      if (!moved && this.#response?.headersSent === true && now - since > STANDSTILL) {
        this.destroy()
        return
      }
      this.#wire.write(NOTHING)
      this.#lookForReset(this.bytesWritten, moved ? now : since)
    }, SIGN_OF_LIFE)
  }
}

/** Length of what ends with the first empty line, or all of `length`: no message with a head or chunks ends anywhere else. */
function endOfMessage (bytes: Buffer, length: number): number {
  for (let at = bytes.indexOf(LF); at >= 0 && at < length; at = bytes.indexOf(LF, at + 1)) {
    if (bytes[at - 1] === LF || at === 0 || (bytes[at - 1] === CR && (bytes[at - 2] === LF || at === 1))) return at + 1
  }
  return length
}

/** Length of the spaces, tabs and CRs at the end. */
function whiteAtEnd (bytes: Buffer): number {
  let at = bytes.length
  while (at > 0 && (bytes[at - 1] === CR || bytes[at - 1] === SP || bytes[at - 1] === HTAB)) at--
  return bytes.length - at
}

/** White space with a tab in it goes from before each CRLF; in one pass, since the head may be one run of it. */
function withoutTabsAtEnds (text: string): string {
  if (!text.includes('\t')) return text
  const lines = text.split('\r\n')
  const rest = lines.pop()!
  return [...lines.map(line => {
    const bare = trimWhiteSpace(`.${line}`).slice(1)
    return line.includes('\t', bare.length) ? bare : line
  }), rest].join('\r\n')
}

/**
 * What HTTP allows and node's parser does not: HTAB behind a value (RFC 9110, section 5.6.3). And what it does not allow but
 * programs send: UTF-8 in the address, which is percent-encoded. `line`: where the text begins, then where it ends.
 */
function repairHead (text: string, line: Line): { text: string, line: Line } {
  const start = line === 'none' ? /^[\r\n]*/.exec(text)![0].length : 0
  if (start === text.length) return { text, line }
  const end = line === 'fields' ? 0 : text.indexOf('\n', start) + 1 || text.length
  const first = text.slice(0, end).replace(/[\x80-\xff]/g, character => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
  const fields = withoutTabsAtEnds(text.slice(end))
  return { text: first + fields, line: line === 'fields' || text[end - 1] === '\n' ? 'fields' : 'request line' }
}
