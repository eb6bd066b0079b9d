import type { ServerResponse } from 'node:http'
import type { Viewer } from '../sessions/users.ts'

/** Consoles open at a time; a further one is refused. */
export const MAX_LISTENERS = 16
/** A console is brought up to date this often, ms. */
const PERIOD = 1_000
/** A console that reads too slowly is left out until it has caught up, bytes. */
const MAX_BACKLOG = 262_144

/** Server-sent events: one timer while somebody looks, none otherwise. */
export class EventFeed {
  readonly #listeners = new Map<ServerResponse, Viewer>()
  readonly #produce: (viewer: Viewer) => object
  #timer: NodeJS.Timeout | undefined

  constructor (produce: (viewer: Viewer) => object) {
    this.#produce = produce
  }

  /** False where too many are looking already. */
  add (response: ServerResponse, viewer: Viewer): boolean {
    if (this.#listeners.size >= MAX_LISTENERS) return false
    this.#listeners.set(response, viewer)
    response.once('close', () => this.#remove(response))
    response.write(this.#event(viewer))
    this.#timer ??= setInterval(() => this.push(), PERIOD)
    return true
  }

  /** Brings every console up to date now. */
  push (): void {
    // Whoever sees the same gets the same event: it is made once.
    const events = new Map<string | undefined, string>()
    for (const [listener, viewer] of this.#listeners) {
      const user = viewer.sees === 'all' ? undefined : viewer.user
      const event = events.get(user) ?? this.#event(viewer)
      events.set(user, event)
      if (listener.writableLength < MAX_BACKLOG) listener.write(event)
    }
  }

  close (): void {
    for (const listener of this.#listeners.keys()) listener.end()
    if (this.#timer !== undefined) clearInterval(this.#timer)
  }

  #event (viewer: Viewer): string { return `data: ${JSON.stringify(this.#produce(viewer))}\n\n` }

  #remove (response: ServerResponse): void {
    this.#listeners.delete(response)
    if (this.#listeners.size > 0 || this.#timer === undefined) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
