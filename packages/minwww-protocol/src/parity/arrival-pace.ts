/** Full packets in a row that are looked at together, and the tunnel messages of one. */
const ROW = 4
const FULL = 2
/** Of so many rows the fastest counts: the others had a sender that waited, or lost something. */
const ROWS = 64

/** How long a path takes for a tunnel message that comes in, from full packets in a row: who has more to send sends those. */
export class ArrivalPace {
  /** Times of the last ROW packets at most, ms. */
  readonly #row: number[] = []
  /** Of the last ROWS rows at most, ms a tunnel message. */
  readonly #paces: number[] = []

  /** ms that so many tunnel messages take; 0 while nothing is known. */
  timeOf (tunnelMessages: number): number {
    return this.#paces.length === 0 ? 0 : tunnelMessages * Math.min(...this.#paces)
  }

  /** A packet has come. */
  came (now: number, tunnelMessages: number): void {
    if (tunnelMessages !== FULL) {
      this.#row.length = 0
      return
    }
    this.#row.push(now)
    if (this.#row.length < ROW) return
    this.#paces.push((now - this.#row.shift()!) / (FULL * (ROW - 1)))
    if (this.#paces.length > ROWS) this.#paces.shift()
  }
}
