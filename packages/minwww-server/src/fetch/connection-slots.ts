/** How many connections may be in use at once: from a request's start until its body has been taken. */
export interface SlotLimits {
  /** Of one visitor to one origin. */
  perVisitorAndOrigin: number
  perVisitor: number
  perOrigin: number
  total: number
}

/** Eight stalled visitors leave an origin room for others; a browser takes six connections to an origin. */
export const DEFAULT_SLOTS: SlotLimits = { perVisitorAndOrigin: 10, perVisitor: 64, perOrigin: 96, total: 256 }

/** A visitor has at most one of so many parts of what is free, and one connection if any is. */
const PART = 4

/** One request's place among the connections. */
export interface Slot {
  /** Whether it could be taken now. */
  isFree: () => boolean
  take: () => void
  /** To be called once it is used no more; further calls and one before `take` do nothing. */
  release: () => void
}

/**
 * Counts the connections in use, so that nobody who reads slowly can keep a site from others, nor the exit. Nobody has more than a
 * quarter of those that are free (dynamic thresholds: Choudhury and Hahne, IEEE/ACM Transactions on Networking, 1998), so that who
 * comes after visitors whose sites never answer finds room.
 */
export class ConnectionSlots {
  readonly #limits: SlotLimits
  readonly #onFree: () => void
  /** In use, by visitor, by origin and by both; bounded by the total. */
  readonly #counts = new Map<string, number>()
  #total = 0

  /** `onFree` is called whenever one was given back. */
  constructor (limits: SlotLimits, onFree: () => void) {
    this.#limits = limits
    this.#onFree = onFree
  }

  get used (): number { return this.#total }
  get most (): number { return this.#limits.total }

  slot (visitor: string, origin: string): Slot {
    const keys = [`${visitor} ${origin}`, visitor, ` ${origin}`]
    const { perVisitorAndOrigin, perVisitor, perOrigin, total } = this.#limits
    const limits = [perVisitorAndOrigin, perVisitor, perOrigin]
    let state: 'waits' | 'taken' | 'released' = 'waits'
    return {
      isFree: () => (this.#counts.get(visitor) ?? 0) < (total - this.#total) / PART &&
        keys.every((key, index) => (this.#counts.get(key) ?? 0) < (limits[index] ?? 0)),
      take: () => {
        if (state !== 'waits') return
        state = 'taken'
        this.#total++
        for (const key of keys) this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
      },
      release: () => {
        const wasTaken = state === 'taken'
        state = 'released'
        if (!wasTaken) return
        this.#total--
        for (const key of keys) {
          const left = (this.#counts.get(key) ?? 1) - 1
          if (left === 0) this.#counts.delete(key)
          else this.#counts.set(key, left)
        }
        this.#onFree()
      }
    }
  }
}
