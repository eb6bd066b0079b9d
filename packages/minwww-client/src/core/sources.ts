import type { Exit } from './exit.ts'

/** Which of our own Destinations can send. */
export class Sources {
  readonly #count: number
  readonly #suspended = new Set<number>()
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

  resume (now: number, source: number): void {
    this.#suspended.delete(source)
    this.#resumedAt = now
  }

  /**
   * The path is not validated: since one came back no exit that used to answer has been heard, so that the way into the
   * network may not stand yet.
   */
  isUnvalidated (exits: Iterable<Exit>): boolean {
    const known = [...exits].filter(({ heardAt }) => heardAt > Number.NEGATIVE_INFINITY)
    return known.length > 0 && known.every(({ heardAt }) => heardAt < this.#resumedAt)
  }
}
