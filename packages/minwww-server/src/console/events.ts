import type { ServerResponse } from 'node:http'

/** Pages that may look at once; a further one is refused. */
export const MAX_LISTENERS = 16
/** Bytes that a page may be behind before it is left out until it has caught up. */
const MAX_BACKLOG = 262_144

/** Server-sent events to every open console. */
export class EventFeed {
  readonly #listeners = new Set<ServerResponse>()

  get size (): number { return this.#listeners.size }

  /** False if too many look already. */
  add (response: ServerResponse, first: object): boolean {
    if (this.#listeners.size >= MAX_LISTENERS) return false
    this.#listeners.add(response)
    response.once('close', () => this.#listeners.delete(response))
    response.write(`event: history\n${data(first)}`)
    return true
  }

  push (state: object): void {
    if (this.#listeners.size === 0) return
    const event = data(state)
    for (const listener of this.#listeners) {
      if (listener.writableLength < MAX_BACKLOG) listener.write(event)
    }
  }

  close (): void {
    for (const listener of this.#listeners) listener.end()
  }
}

function data (value: object): string {
  return `data: ${JSON.stringify(value)}\n\n`
}
