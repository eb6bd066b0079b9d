/** Clients that are kept; the one not heard of for longest goes. */
export const MAX_CLIENTS = 4_096
/** ms after which a client that nothing was sent to waits for nothing any more: it has cancelled, or takes too little. */
const STALE = 10_000
/** Bytes below which a client counts as a part of one. */
const LITTLE = 4_096

interface Entry {
  bytes: number
  touched: number
}

/** Bytes that wait to be sent, by client, about: what one of them has to wait for when all get the same. */
export class Backlog {
  /** The one touched longest ago first. */
  readonly #clients = new Map<string, Entry>()

  get size (): number { return this.#clients.size }

  add (now: number, client: string, bytes: number): void {
    this.#set(now, client, (this.#clients.get(client)?.bytes ?? 0) + bytes)
    if (this.#clients.size <= MAX_CLIENTS) return
    const oldest = this.#clients.keys().next().value
    if (oldest !== undefined) this.#clients.delete(oldest)
  }

  sent (now: number, client: string, bytes: number): void {
    const entry = this.#clients.get(client)
    if (entry === undefined) return
    if (entry.bytes > bytes) this.#set(now, client, entry.bytes - bytes)
    else this.#clients.delete(client)
  }

  clear (): void {
    this.#clients.clear()
  }

  /**
   * Bytes of all that leave until this client has what it waits for, about: everybody who waits for more than a little
   * is taken to go on asking, and gets the same meanwhile.
   */
  ahead (now: number, client: string): number {
    for (const [name, { touched }] of this.#clients) {
      if (touched + STALE > now) break
      this.#clients.delete(name)
    }
    const own = this.#clients.get(client)?.bytes ?? 0
    if (own === 0) return 0
    let shares = 0
    for (const { bytes } of this.#clients.values()) shares += Math.min(1, bytes / LITTLE)
    return own * Math.max(1, shares)
  }

  #set (now: number, client: string, bytes: number): void {
    this.#clients.delete(client)
    this.#clients.set(client, { bytes, touched: now })
  }
}
