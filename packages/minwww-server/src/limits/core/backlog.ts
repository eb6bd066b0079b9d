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
  #total = 0

  get size (): number { return this.#clients.size }

  add (now: number, client: string, bytes: number): void {
    this.#set(now, client, (this.#clients.get(client)?.bytes ?? 0) + bytes)
    if (this.#clients.size <= MAX_CLIENTS) return
    const oldest = this.#clients.keys().next().value
    if (oldest !== undefined) this.#delete(oldest)
  }

  sent (now: number, client: string, bytes: number): void {
    const entry = this.#clients.get(client)
    if (entry === undefined) return
    if (entry.bytes > bytes) this.#set(now, client, entry.bytes - bytes)
    else this.#delete(client)
  }

  clear (): void {
    this.#clients.clear()
    this.#total = 0
  }

  /** Bytes of all. */
  total (now: number): number {
    this.#expire(now)
    return this.#total
  }

  /**
   * Bytes of all that leave until this client has what it waits for, about: everybody who waits for more than a little
   * is taken to go on asking, and gets the same meanwhile.
   */
  ahead (now: number, client: string): number {
    this.#expire(now)
    const own = this.#clients.get(client)?.bytes ?? 0
    if (own === 0) return 0
    let shares = 0
    for (const { bytes } of this.#clients.values()) shares += Math.min(1, bytes / LITTLE)
    return own * Math.max(1, shares)
  }

  #expire (now: number): void {
    for (const [name, { touched }] of this.#clients) {
      if (touched + STALE > now) return
      this.#delete(name)
    }
  }

  #set (now: number, client: string, bytes: number): void {
    this.#delete(client)
    this.#clients.set(client, { bytes, touched: now })
    this.#total += bytes
  }

  #delete (client: string): void {
    this.#total -= this.#clients.get(client)?.bytes ?? 0
    this.#clients.delete(client)
  }
}
