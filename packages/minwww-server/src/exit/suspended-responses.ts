import { createHash } from 'node:crypto'
import type { Clock, Timer } from '@minwww/ground'
import type { HttpRequest, UpstreamResponse, Visitor } from '../fetch/http-types.ts'

/** A response that was too large for a reply, as far as it was read. */
export interface SuspendedResponse {
  response: UpstreamResponse
  head: Buffer[]
}

interface Kept extends SuspendedResponse {
  timer: Timer
}

/** ms that a response waits for its stream. */
const LIFE = 15_000
/** Responses that wait; the oldest is given up. With up to 512 KiB read of each, at most 16 MiB. */
export const MAX_KEPT = 32
const MAX_PER_CLIENT = 4

/**
 * Half-read responses between ERROR 3 and the stream on which the client repeats the request, so that nothing is
 * fetched twice. One serves one stream of the same client with the same request, once.
 */
export class SuspendedResponses {
  readonly #clock: Clock
  readonly #kept = new Map<string, Kept>()
  #continued = 0

  constructor (clock: Clock) {
    this.#clock = clock
  }

  get size (): number { return this.#kept.size }
  get continued (): number { return this.#continued }

  keep (visitor: Visitor, request: HttpRequest, response: UpstreamResponse, head: Buffer[]): void {
    if (request.method !== 'GET' || request.body !== undefined) {
      response.body.destroy()
      return
    }
    const key = keyOf(visitor, request)
    this.#drop(key)
    const own = [...this.#kept.keys()].filter(other => other.startsWith(visitor.b32))
    const oldest = own.length >= MAX_PER_CLIENT ? own[0] : this.#kept.size >= MAX_KEPT ? this.#kept.keys().next().value : undefined
    if (oldest !== undefined) this.#drop(oldest)
    this.#kept.set(key, { response, head, timer: this.#clock.setTimer(() => this.#drop(key), LIFE) })
    response.body.once('close', () => {
      if (this.#kept.get(key)?.response === response) this.#drop(key)
    })
  }

  take (visitor: Visitor, request: HttpRequest): SuspendedResponse | undefined {
    const key = keyOf(visitor, request)
    const kept = this.#kept.get(key)
    if (kept === undefined || request.method !== 'GET') return undefined
    kept.timer.clear()
    this.#kept.delete(key)
    this.#continued++
    return kept
  }

  close (): void {
    for (const key of [...this.#kept.keys()]) this.#drop(key)
  }

  #drop (key: string): void {
    const kept = this.#kept.get(key)
    if (kept === undefined) return
    kept.timer.clear()
    this.#kept.delete(key)
    kept.response.body.destroy()
  }
}

/** Fields that choose another response for the same URL. */
const SELECTING = [
  'accept', 'accept-encoding', 'accept-language', 'authorization', 'cookie', 'range', 'if-none-match', 'if-modified-since', 'if-range'
]

function keyOf (visitor: Visitor, request: HttpRequest): string {
  const hash = createHash('sha256').update(`${request.url}\n`)
  for (const name of SELECTING) {
    const values = request.headers.filter(field => field[0].toLowerCase() === name).map(field => field[1])
    hash.update(`${name}:${values.join(',')}\n`)
  }
  return `${visitor.b32}|${hash.digest('base64')}`
}
