import type { ServerResponse } from 'node:http'

/** Consoles open at a time; a further one is refused. */
export const MAX_LISTENERS = 16
/** A console is brought up to date this often, ms. */
const PERIOD = 1_000
/** A console that reads too slowly is left out until it has caught up, bytes. */
const MAX_BACKLOG = 262_144

/** Server-sent events: one timer while somebody looks, none otherwise. */
export class EventFeed {
  readonly #listeners = new Set<ServerResponse>()
  readonly #produce: () => object
  #timer: NodeJS.Timeout | undefined

  constructor (produce: () => object) {
    this.#produce = produce
  }

  /** False where too many are looking already. */
  add (response: ServerResponse): boolean {
    if (this.#listeners.size >= MAX_LISTENERS) return false
    this.#listeners.add(response)
    response.once('close', () => this.#remove(response))
    response.write(this.#event())
    this.#timer ??= setInterval(() => this.push(), PERIOD)
    return true
  }

  /** Brings every console up to date now. */
  push (): void {
    const event = this.#event()
    for (const listener of this.#listeners) {
      if (listener.writableLength < MAX_BACKLOG) listener.write(event)
    }
  }

  close (): void {
    for (const listener of this.#listeners) listener.end()
    if (this.#timer !== undefined) clearInterval(this.#timer)
  }

  #event (): string { return `data: ${JSON.stringify(this.#produce())}\n\n` }

  #remove (response: ServerResponse): void {
    this.#listeners.delete(response)
    if (this.#listeners.size > 0 || this.#timer === undefined) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
