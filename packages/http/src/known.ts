import type { Destination } from '@minwww/i2cp'
import { MAX_KNOWN } from './bounds.ts'

/** Destinations by their b32 names, which the router need not be asked for: the least recently used goes. */
export class KnownDestinations {
  readonly #byName = new Map<string, Destination>()

  get (name: string): Destination | undefined {
    const destination = this.#byName.get(name)
    if (destination !== undefined) this.add(destination)
    return destination
  }

  add (destination: Destination): void {
    this.#byName.delete(destination.b32)
    if (this.#byName.size >= MAX_KNOWN) this.#byName.delete(this.#byName.keys().next().value!)
    this.#byName.set(destination.b32, destination) // a Map keeps the order of insertion: now it is the newest
  }
}
