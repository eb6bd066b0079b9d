import type { Exit } from './exit.ts'

/**
 * ms after the first answer until its exit is asked once more, unless something else has gone there meanwhile. i2pd since 2.55 forgets a
 * ratchet session whose answer nothing has followed for 15 s, and our router uses it for two minutes all the same
 * (docs/reports/routers.md).
 */
const AFTER = 2_000

interface Due { readonly exit: Exit, readonly source: number, readonly at: number }

/** Exits that have answered one of our Destinations for the first time, and have heard nothing from there since. */
export class Confirmations {
  /** By exit and own Destination; each is here for a few seconds. */
  readonly #due = new Map<string, Due>() // at most one per exit or site and own Destination

  /** The exit's router has answered a first message. */
  answered (now: number, exit: Exit, source: number): void {
    this.#due.set(keyOf(exit, source), { exit, source, at: now + AFTER })
  }

  /** Something goes there. */
  sent (exit: Exit, source: number): void {
    if (this.#due.size > 0) this.#due.delete(keyOf(exit, source))
  }

  forgetExit (exit: Exit): void {
    for (const [key, due] of this.#due) if (due.exit === exit) this.#due.delete(key)
  }

  forgetSource (source: number): void {
    for (const [key, due] of this.#due) if (due.source === source) this.#due.delete(key)
  }

  nextTimeout (): number {
    let next = Infinity
    for (const { at } of this.#due.values()) next = Math.min(next, at)
    return next
  }

  /** One who is to be asked now, if any. While an exit is asked from elsewhere it waits. */
  take (now: number): { readonly exit: Exit, readonly source: number } | undefined {
    for (const [key, { exit, source, at }] of this.#due) {
      if (at > now) continue
      if (exit.isProbed) this.answered(now, exit, source)
      else {
        this.#due.delete(key)
        return { exit, source }
      }
    }
    return undefined
  }
}

const keyOf = (exit: Exit, source: number): string => `${source} ${exit.id}`
