import type { Duplex } from 'node:stream'
import { reasonOf } from '../http/answer.ts'
import { ProxyError } from '../http/failures.ts'
import { mayRepeat } from '../http/first-bytes.ts'
import { mayAskNext, patience } from './peer-search.ts'
import type { Limits } from './stream-path.ts'
import type { StreamPeer } from './streams.ts'

/** Bytes that a browser may say before its tunnel is taken; they are kept for another exit. More waits on its connection. */
export const MAX_KEPT = 16_384

/** Somebody to whom a tunnel may be opened. */
export interface Candidate {
  readonly peer: StreamPeer
  /** It is known to take bytes behind a CONNECT that it has not answered; any other peer gets them after its answer. */
  readonly takesEarly: boolean
}

/** A stream whose other end is the site. `rest`: what came of the site already. */
export interface Opened { socket: Duplex, rest: Buffer, id: string }

export interface EarlyTunnelOptions {
  /** Its bytes are the tunnel's from now on. */
  browser: Duplex
  candidates: readonly Candidate[]
  limits: Limits
  signal: AbortSignal
  /**
   * Asks a peer for the tunnel. `ready` is called as soon as bytes written to the stream follow what asks for it.
   * @throws when the peer refuses, does not answer within the limits, or the signal is aborted; the stream is destroyed then
   */
  dial: (candidate: Candidate, limits: Limits, ready: (stream: Duplex) => void) => Promise<Opened>
  /** A peer failed, and the next one is asked. */
  onNext: (failed: Candidate, failure: unknown) => void
}

/**
 * The first moments of a tunnel whose browser was told that it stands before it does. What the browser says goes to the exit at once, as
 * long as it is no more than MAX_KEPT, and is kept until the first byte of the site has come: if the exit fails before, the next one is
 * asked and hears the same, unless that could do something twice.
 */
export class EarlyTunnel {
  readonly #options: EarlyTunnelOptions
  readonly #kept: Buffer[] = []
  #length = 0
  /** Where the browser's bytes go at once. */
  #to: Duplex | undefined
  /** No more can be kept. */
  #full = (): void => {}
  readonly #take = (chunk: Buffer): void => this.#keep(chunk)

  constructor (options: EarlyTunnelOptions) {
    this.#options = options
    options.browser.on('data', this.#take)
  }

  /**
   * Resolves with a stream to which everything of the browser so far was written: once a byte of the site has come, or when there is no
   * way back any more. Call `release` and read the browser on in the same turn.
   * @throws what the last exit failed with
   */
  async run (): Promise<Opened> {
    const { candidates, limits, signal, onNext } = this.#options
    const end = performance.now() + limits.connect
    let failure: unknown = new ProxyError('MINWWW_NO_EXIT')
    for (const [index, candidate] of candidates.entries()) {
      const left = end - performance.now()
      if (index > 0) {
        if (left <= 0 || !mayRepeat(Buffer.concat(this.#kept))) break
        onNext(candidates[index - 1]!, failure)
      }
      try {
        const connect = patience(candidate.peer, left, candidates.length - index - 1)
        return await this.#over(candidate, { connect, answer: limits.answer })
      } catch (error) {
        this.#to = undefined
        if (signal.aborted || !mayAskNext(candidate.peer, error)) throw error
        failure = error
      }
    }
    throw failure
  }

  /** The browser's bytes are no longer taken here. */
  release (): void { this.#options.browser.off('data', this.#take) }

  async #over (candidate: Candidate, limits: Limits): Promise<Opened> {
    const ready = (stream: Duplex): void => {
      if (this.#to !== undefined) return
      this.#to = stream
      if (this.#length > 0) stream.write(Buffer.concat(this.#kept))
    }
    const opened = await this.#options.dial(candidate, limits, stream => { if (candidate.takesEarly) ready(stream) })
    ready(opened.socket)
    return { ...opened, rest: opened.rest.length > 0 ? opened.rest : await this.#firstByte(opened.socket) }
  }

  /** The first bytes of the site; none if it has ended its side, or if the browser has said too much to say it again. */
  async #firstByte (site: Duplex): Promise<Buffer> {
    const { signal } = this.#options
    const none = Buffer.alloc(0)
    if (this.#length >= MAX_KEPT) return none
    return await new Promise<Buffer>((resolve, reject) => {
      const settle = (done: () => void): void => {
        site.pause()
        site.off('data', data).off('end', ended).off('error', failed).off('close', closed)
        signal.removeEventListener('abort', aborted)
        this.#full = () => {}
        done()
      }
      const data = (chunk: Buffer): void => settle(() => resolve(chunk))
      const ended = (): void => settle(() => resolve(none))
      const failed = (error: Error): void => settle(() => reject(error))
      const closed = (): void =>
        settle(() => reject(new ProxyError('MINWWW_CONNECTION_FAILED', 'the stream ended before a byte of the site')))
      const aborted = (): void => {
        site.destroy()
        settle(() => reject(reasonOf(signal)))
      }
      this.#full = () => settle(() => resolve(none))
      // What is said of it after this is of no interest.
      site.on('error', () => {})
      site.on('data', data).once('end', ended).once('error', failed).once('close', closed)
      signal.addEventListener('abort', aborted, { once: true })
      if (signal.aborted) aborted()
      else if (site.destroyed) closed()
    })
  }

  /** What is too much goes back to the browser's connection, which waits. */
  #keep (chunk: Buffer): void {
    const { browser } = this.#options
    const piece = chunk.subarray(0, MAX_KEPT - this.#length)
    if (piece.length > 0) {
      this.#kept.push(piece)
      this.#length += piece.length
      this.#to?.write(piece)
    }
    if (this.#length < MAX_KEPT) return
    browser.pause()
    if (piece.length < chunk.length) browser.unshift(chunk.subarray(piece.length))
    this.#full()
  }
}
