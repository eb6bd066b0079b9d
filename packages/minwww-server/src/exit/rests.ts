import type { Clock, Timer } from '@minwww/ground'
import type { RequestName } from '../core.ts'
import type { UpstreamResponse, Visitor } from '../fetch/http-types.ts'

/** An answer whose beginning went out as a message. */
export interface Rest {
  response: UpstreamResponse
  /** Read already; counted against what comes in. */
  head: Buffer[]
  pieces: AsyncGenerator<Buffer, void, undefined>
  /** Bytes of the body in the beginning. */
  begun: number
}

interface Kept { rest: Rest, owner: string, handle: number, size: number, timer: Timer }

/** A rest that a stream has waited for, and its name as its client knows it. */
export interface NextRest { name: string, rest: Rest, handle: number }

interface Waiter { owner: string, take: (next: NextRest | undefined) => void }

/** ms that a rest waits for its stream: until its beginning has left, has come, and the stream is there. */
const LIFE = 60_000
/** Rests that wait, in all and of one client; and bytes of them that were read. */
export const MAX_RESTS = 256
const MAX_PER_CLIENT = 64
const MAX_BYTES = 33_554_432
/** Streams of one client that wait for the next rest, and how long, ms. */
export const MAX_WAITING = 2
const WAIT = 60_000

/**
 * Answers between their beginning, which went out as a message, and the stream on which they go on, so that nothing is
 * fetched twice. One serves one stream of the Destination whose session it is, once.
 */
export class Rests {
  readonly #clock: Clock
  /** By Destination, session and id: nobody can name another one's. Or by token, for whichever Destination knows it. */
  readonly #kept = new Map<string, Kept>()
  readonly #names = new Map<number, string>()
  /** Streams that wait, longest first: no more than the exit has streams. */
  readonly #waiting = new Set<Waiter>()
  /** Under way on a stream that waited, by handle: no more either. */
  readonly #followed = new Map<number, Rest>()
  #bytes = 0
  #continued = 0
  #onEmpty: () => void = () => {}

  constructor (clock: Clock) {
    this.#clock = clock
  }

  get size (): number { return this.#kept.size }
  get continued (): number { return this.#continued }

  /**
   * It follows its beginning where a stream waits for it. False where there is no room for it: then it is the caller's.
   * @param handle - of the request, to drop it by
   */
  keep (visitor: Visitor, name: RequestName, handle: number, rest: Rest): boolean {
    for (const waiter of this.#waiting) {
      if (waiter.owner !== visitor.b32) continue
      this.#continued++
      this.#followed.set(handle, rest)
      waiter.take({ name: 'token' in name ? name.token : `${name.session}/${name.id}`, rest, handle })
      return true
    }
    const key = keyOf(visitor, name)
    const size = rest.head.reduce((sum, { length }) => sum + length, 0)
    const own = [...this.#kept.values()].filter(({ owner }) => owner === visitor.b32).length
    if (this.#kept.has(key) || own >= MAX_PER_CLIENT || this.#kept.size >= MAX_RESTS || this.#bytes + size > MAX_BYTES) return false
    const timer = this.#clock.setTimer(() => this.drop(handle), LIFE)
    this.#kept.set(key, { rest, owner: visitor.b32, handle, size, timer })
    this.#names.set(handle, key)
    this.#bytes += size
    return true
  }

  /** For its stream, whose `visitor` is authenticated. */
  take (visitor: Visitor, name: RequestName): Rest | undefined {
    const rest = this.#remove(keyOf(visitor, name))
    if (rest !== undefined) this.#continued++
    return rest
  }

  /**
   * The next rest of this client, for a stream that waits for it; undefined after a minute, where as many wait already, and at the end.
   * Call `followed` when it has gone out.
   */
  async next (visitor: Visitor, signal: AbortSignal): Promise<NextRest | undefined> {
    const own = [...this.#waiting].filter(({ owner }) => owner === visitor.b32).length
    if (own >= MAX_WAITING || signal.aborted) return undefined
    return await new Promise(resolve => {
      const take = (next: NextRest | undefined): void => {
        timer.clear()
        signal.removeEventListener('abort', leave)
        this.#waiting.delete(waiter)
        resolve(next)
      }
      const leave = (): void => take(undefined)
      const waiter: Waiter = { owner: visitor.b32, take }
      const timer = this.#clock.setTimer(leave, WAIT)
      this.#waiting.add(waiter)
      signal.addEventListener('abort', leave, { once: true })
    })
  }

  followed (handle: number): void { this.#followed.delete(handle) }

  /** No stream waits any longer. */
  release (): void {
    for (const { take } of [...this.#waiting]) take(undefined)
  }

  /** Nobody will come for it, or wants what of it is still to come. */
  drop (handle: number): void {
    this.#followed.get(handle)?.response.body.destroy()
    const key = this.#names.get(handle)
    if (key !== undefined) this.#remove(key)?.response.body.destroy()
  }

  /** Calls back once none waits any more, perhaps at once. */
  whenEmpty (callback: () => void): void {
    this.#onEmpty = callback
    if (this.#kept.size === 0) callback()
  }

  close (): void {
    this.release()
    for (const handle of [...this.#names.keys()]) this.drop(handle)
  }

  #remove (key: string): Rest | undefined {
    const kept = this.#kept.get(key)
    if (kept === undefined) return undefined
    kept.timer.clear()
    this.#kept.delete(key)
    this.#names.delete(kept.handle)
    this.#bytes -= kept.size
    if (this.#kept.size === 0) this.#onEmpty()
    return kept.rest
  }
}

function keyOf (visitor: Visitor, name: RequestName): string {
  return 'token' in name ? name.token : `${visitor.b32}|${name.session}|${name.id}`
}
