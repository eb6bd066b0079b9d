import type { Flight } from '../flight.ts'

/** Messages of which some fragments wait for others; the oldest is forgotten above this. */
export const MAX_INCOMPLETE = 1_024

interface Assembly<T> {
  readonly flight: Flight<T>
  /** The fragment that it waits for. */
  next: number
}

/**
 * How i2pd (2.45 to 2.59, TunnelEndpoint.cpp) puts fragments together. A follow-on fragment that is not the next one
 * of the current message is put aside, and then the current message is thrown away, whichever it is: a delayed
 * middle fragment costs its own message, a fragment of another message in between costs the current one.
 */
export class I2pdEndpoint<T> {
  #current: Assembly<T> | undefined
  readonly #incomplete = new Map<Flight<T>, Assembly<T>>()
  readonly #aside = new Map<Flight<T>, Set<number>>()

  /**
   * Takes one tunnel message.
   * @param fragment 0 for the first
   * @returns whether its message is complete now
   */
  accept (flight: Flight<T>, fragment: number): boolean {
    return fragment === 0 ? this.#first(flight) : this.#followOn(flight, fragment)
  }

  /** Nothing more will come of this message. */
  forget (flight: Flight<T>): void {
    if (this.#current?.flight === flight) this.#current = undefined
    this.#incomplete.delete(flight)
    this.#aside.delete(flight)
  }

  #first (flight: Flight<T>): boolean {
    if (this.#current !== undefined) this.#keep(this.#incomplete, this.#current.flight, this.#current)
    this.#current = undefined
    if (flight.tunnelMessages === 1) return true
    const assembly = { flight, next: 1 }
    if (this.#takeAside(assembly)) return true
    this.#current = assembly
    return false
  }

  #followOn (flight: Flight<T>, fragment: number): boolean {
    const current = this.#current
    if (current?.flight === flight && current.next === fragment) return this.#append(current)
    this.#current = undefined
    const assembly = this.#incomplete.get(flight)
    if (assembly?.next === fragment) return this.#append(assembly)
    const aside = this.#aside.get(flight) ?? new Set()
    this.#keep(this.#aside, flight, aside.add(fragment))
    return false
  }

  #append (assembly: Assembly<T>): boolean {
    assembly.next++
    return assembly.next === assembly.flight.tunnelMessages || this.#takeAside(assembly)
  }

  #takeAside (assembly: Assembly<T>): boolean {
    const aside = this.#aside.get(assembly.flight)
    while (aside?.has(assembly.next) === true) assembly.next++
    return assembly.next === assembly.flight.tunnelMessages
  }

  #keep<V> (table: Map<Flight<T>, V>, flight: Flight<T>, value: V): void {
    if (!table.has(flight) && table.size >= MAX_INCOMPLETE) table.delete(table.keys().next().value as Flight<T>)
    table.set(flight, value)
  }
}
