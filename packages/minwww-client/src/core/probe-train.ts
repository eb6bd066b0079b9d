/** Pairs of which the fastest says what the path carries at most. */
const PAIRS = 2

interface Moment { readonly at: number, readonly time: number }

/**
 * The answer to a probe: several messages that leave at once (packet trains: Dovrolis, Ramanathan, Moore 2001). How far apart they come
 * says what the path carries: a bottleneck spaces every pair of them. A gateway may hold some back, but lets others go together, so the
 * fastest pair says what is carried at most (packet pairs: Keshav 1991).
 */
export class ProbeTrain {
  /** Which answer it is. */
  readonly name: string
  readonly #first: Moment
  #last: Moment
  #bytes = 0
  #pairs = 0
  #fastest = 0

  /** @param time - of the exit when the first message was sent, ms modulo 65,536 */
  constructor (now: number, name: string, time: number) {
    this.name = name
    this.#first = this.#last = { at: now, time }
  }

  /** Something came after the first message. */
  get isMeasured (): boolean {
    return this.#pairs > 0
  }

  came (now: number, time: number, bytes: number): void {
    this.#bytes += bytes
    this.#pairs++
    const moment = { at: now, time }
    this.#fastest = Math.max(this.#fastest, rate(this.#last, moment, bytes))
    this.#last = moment
  }

  /** Bytes/s in which all of it came. */
  get carried (): number {
    return rate(this.#first, this.#last, this.#bytes)
  }

  /** Bytes/s that the path carries at most, if that is less than `usual`. */
  bottleneck (usual: number): number | undefined {
    return this.#pairs >= PAIRS && this.#fastest < usual ? this.#fastest : undefined
  }
}

/** Bytes/s: what came in the time by which it took longer to come than to be sent. */
function rate (from: Moment, to: Moment, bytes: number): number {
  return bytes * 1000 / Math.max(1, to.at - from.at - ((to.time - from.time) << 16 >> 16))
}
