import { Duplex } from 'node:stream'

/** Bytes that either end holds for a reader that does not read; the writer feels it as back-pressure. */
const HIGH_WATER_MARK = 65_536

/** One end of a connection inside the process. What is written at one end is read at the other, without a copy. */
class DuplexEnd extends Duplex {
  peer: DuplexEnd | undefined
  #resume: (() => void) | undefined

  constructor () {
    super({ highWaterMark: HIGH_WATER_MARK, allowHalfOpen: false })
  }

  override _write (chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    const { peer } = this
    if (peer === undefined || peer.destroyed || peer.readableEnded) return done()
    if (peer.push(chunk)) done()
    else peer.#resume = done
  }

  override _writev (chunks: Array<{ chunk: Buffer }>, done: (error?: Error | null) => void): void {
    chunks.slice(0, -1).forEach(({ chunk }) => this.peer?.push(chunk))
    this._write((chunks.at(-1) as { chunk: Buffer }).chunk, '', done)
  }

  override _final (done: () => void): void {
    if (this.peer?.destroyed === false) this.peer.push(null)
    done()
  }

  override _read (): void {
    const resume = this.#resume
    this.#resume = undefined
    resume?.()
  }

  override _destroy (error: Error | null, done: (error?: Error | null) => void): void {
    const { peer } = this
    this.peer = undefined
    this._read()
    // The other end sees the end of the stream, as it would of a socket that was closed.
    if (peer !== undefined && !peer.destroyed && !peer.readableEnded) peer.push(null)
    done(error)
  }
}

/** Two connected ends. */
export function duplexPair (): [Duplex, Duplex] {
  const a = new DuplexEnd()
  const b = new DuplexEnd()
  a.peer = b
  b.peer = a
  return [a, b]
}
