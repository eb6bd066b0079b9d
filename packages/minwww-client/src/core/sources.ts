import type { Exit } from './exit.ts'
import type { ClientRequest } from './request.ts'

/** Which of our own Destinations can send. Requests wait here while none can; bounded by the live requests of the client. */
export class Sources {
  readonly #count: number
  readonly #suspended = new Set<number>()
  readonly #held = new Set<ClientRequest>()
  #resumedAt = Number.NEGATIVE_INFINITY

  constructor (count: number) {
    this.#count = count
  }

  /** The source that is asked for, or another one in its place; undefined while none can send. */
  usable (source: number): number | undefined {
    for (let offset = 0; offset < this.#count; offset++) {
      const candidate = (source + offset) % this.#count
      if (!this.#suspended.has(candidate)) return candidate
    }
    return undefined
  }

  suspend (source: number): void {
    this.#suspended.add(source)
  }

  /** @returns the requests that waited, in the order of their coming */
  resume (now: number, source: number): ClientRequest[] {
    this.#suspended.delete(source)
    this.#resumedAt = now
    const held = [...this.#held]
    this.#held.clear()
    return held
  }

  /** Since one came back no exit that used to answer has been heard: the way into the network may not stand yet. */
  isUnproven (exits: Iterable<Exit>): boolean {
    const known = [...exits].filter(({ heardAt }) => heardAt > Number.NEGATIVE_INFINITY)
    return known.length > 0 && known.every(({ heardAt }) => heardAt < this.#resumedAt)
  }

  hold (request: ClientRequest): void {
    request.resumeAt = undefined
    request.hedgeAt = undefined
    this.#held.add(request)
  }

  release (request: ClientRequest): void {
    this.#held.delete(request)
  }
}
