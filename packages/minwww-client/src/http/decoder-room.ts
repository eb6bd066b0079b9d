import { ProxyError } from './failures.ts'

/** Memory of all bodies that are being decoded, bytes: a brotli window alone has up to 16 MB. */
export const DECODER_ROOM = 100_663_296
/** Who takes nothing for this long is put out if another one waits, ms. */
const STANDSTILL = 1_000
/** How long is waited for room, ms. */
const PATIENCE = 30_000

export interface Lease {
  /** The reader has taken something. */
  progress: () => void
  release: () => void
}

interface Place { bytes: number, last: number, evict: (error: Error) => void }
interface Waiting { bytes: number, admit: () => void }

/**
 * Shares out the memory for decoding. Who reads nothing makes room for who waits, and who came last is let in first: where
 * more wait than can be served, those who have waited long are the ones who have given up, or who attack.
 */
export class DecoderRoom {
  readonly #most: number
  readonly #standstill: number
  readonly #places = new Set<Place>()
  readonly #waiting: Waiting[] = []
  #used = 0
  #sweep: NodeJS.Timeout | undefined

  constructor (most = DECODER_ROOM, standstill = STANDSTILL) {
    this.#most = most
    this.#standstill = standstill
  }

  get load (): { used: number, most: number } { return { used: this.#used, most: this.#most } }

  /** `evict` is called when the place is lost. @throws ProxyError MINWWW_OVERLOADED; the signal's reason */
  async take (bytes: number, signal: AbortSignal, evict: (error: Error) => void): Promise<Lease> {
    const wanted = Math.min(bytes, this.#most)
    if (this.#used + wanted > this.#most) await this.#wait(wanted, signal)
    else this.#used += wanted
    const place: Place = { bytes: wanted, last: performance.now(), evict }
    this.#places.add(place)
    return { progress: () => { place.last = performance.now() }, release: () => this.#release(place) }
  }

  async #wait (bytes: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    await new Promise<void>((resolve, reject) => {
      const leave = (error: Error): void => {
        end()
        const index = this.#waiting.indexOf(waiting)
        if (index >= 0) this.#waiting.splice(index, 1)
        this.#admit()
        reject(error)
      }
      const abort = (): void => leave(signal.reason instanceof Error ? signal.reason : new Error('aborted'))
      const timer = setTimeout(() => leave(new ProxyError('MINWWW_OVERLOADED', 'no memory to decode the body')), PATIENCE)
      const end = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', abort)
      }
      const waiting: Waiting = { bytes, admit: () => { end(); resolve() } }
      signal.addEventListener('abort', abort, { once: true })
      this.#waiting.push(waiting)
      this.#watch()
    })
  }

  #release (place: Place): void {
    if (!this.#places.delete(place)) return
    this.#used -= place.bytes
    this.#admit()
  }

  #admit (): void {
    const next = this.#waiting.at(-1)
    if (next === undefined || this.#used + next.bytes > this.#most) return
    this.#waiting.pop()
    this.#used += next.bytes
    next.admit()
    this.#admit()
  }

  #watch (): void {
    this.#sweep ??= setTimeout(() => {
      this.#sweep = undefined
      if (this.#waiting.length === 0) return
      this.#makeRoom()
      if (this.#waiting.length > 0) this.#watch()
    }, this.#standstill / 4)
  }

  #makeRoom (): void {
    const now = performance.now()
    const longest = [...this.#places].sort((a, b) => a.last - b.last)
    for (const place of longest) {
      if (this.#waiting.length === 0 || now - place.last < this.#standstill) return
      this.#release(place)
      place.evict(new ProxyError('MINWWW_OVERLOADED', 'others wait for the memory of a body that nobody reads'))
    }
  }
}
