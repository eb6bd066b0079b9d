/** What is remembered of one OPEN. */
export class OpenEntry {
  #attempt: number
  #seenAt: number
  #isFetched = false

  constructor (now: number, attempt: number) {
    this.#attempt = attempt
    this.#seenAt = now
  }

  /** Highest attempt seen. */
  get attempt (): number {
    return this.#attempt
  }

  get seenAt (): number {
    return this.#seenAt
  }

  /** Its request was given out to be fetched. */
  get isFetched (): boolean {
    return this.#isFetched
  }

  seen (now: number, attempt: number): void {
    this.#attempt = Math.max(this.#attempt, attempt)
    this.#seenAt = now
  }

  markFetched (): void {
    this.#isFetched = true
  }
}

/**
 * Verified OPENs by (Destination, session, id), for as long as their time lets them be replayed. It outlives sessions,
 * so that an OPEN cannot bring back a session and fetch again. Its size is bounded by the limit on signature checks.
 */
export class ReplayTable {
  readonly #life: number
  readonly #entries = new Map<string, OpenEntry>()

  /** @param life - ms that an OPEN can be replayed: twice the tolerance of its time */
  constructor (life: number) {
    this.#life = life
  }

  static key (destinationHash: Uint8Array, session: Uint8Array, id: number): string {
    return `${Buffer.from(destinationHash).toString('latin1')}${Buffer.from(session).toString('latin1')}${id}`
  }

  find (key: string): OpenEntry | undefined {
    return this.#entries.get(key)
  }

  /** Call after the signature was verified. */
  record (now: number, key: string, attempt: number): OpenEntry {
    const entry = this.#entries.get(key) ?? new OpenEntry(now, attempt)
    entry.seen(now, attempt)
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    return entry
  }

  get size (): number {
    return this.#entries.size
  }

  nextTimeout (): number | undefined {
    const first = this.#entries.values().next().value
    return first === undefined ? undefined : first.seenAt + this.#life
  }

  handleTimeout (now: number): void {
    for (const [key, entry] of this.#entries) {
      if (entry.seenAt + this.#life > now) break
      this.#entries.delete(key)
    }
  }
}
