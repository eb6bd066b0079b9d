import type { Exit } from './exit.ts'
import type { Sources } from './sources.ts'

/** Exits that are asked from every own Destination: those heard last. */
const MOST_EXITS = 3
/** Pairs that are asked at once where nothing is heard. */
const MOST_AT_ONCE = 8
/** A pair over which nothing came for so long is asked, ms: i2pd begins a new ratchet session after 90 s. */
const KEPT = 60_000
/** One pair after the other, ms. */
const APART = 1_000

export interface PairsParts {
  readonly exits: ReadonlyMap<string, Exit>
  readonly sources: Sources
  /** Own Destinations. */
  readonly count: number
  readonly probe: (now: number, exit: Exit, source: number, why: 'pair' | 'idle') => void
}

/**
 * Pairs of an exit and an own Destination. Each has a path of its own through the network, which may be dead while others live, and which
 * one lives only an answer says.
 */
export class Pairs {
  readonly #parts: PairsParts
  #keptAt = Number.NEGATIVE_INFINITY

  constructor (parts: PairsParts) {
    this.#parts = parts
  }

  /** Nothing is heard at an own Destination that something was asked from: over which pair does an answer come? */
  search (now: number): void {
    const asked = this.#pairs(now).filter(({ exit, source }) => !exit.isProbedFrom(source))
    for (const { exit, source } of asked.slice(0, MOST_AT_ONCE)) this.#parts.probe(now, exit, source, 'pair')
  }

  /** Somebody browses: routers are to know the pairs that are not in use. */
  keep (now: number): void {
    if (now - this.#keptAt < APART) return
    const due = this.#pairs(now).find(({ exit, source }) => exit.isIdleSince(now - KEPT, source) && !exit.isProbed)
    if (due === undefined) return
    this.#keptAt = now
    this.#parts.probe(now, due.exit, due.source, 'idle')
  }

  /** With one exit, or one Destination, whoever asks again asks over all of them in turn. */
  #pairs (now: number): Array<{ exit: Exit, source: number }> {
    const { exits, sources, count } = this.#parts
    const ready = Array.from({ length: count }, (_, source) => source).filter(source => sources.canSend(source))
    if (ready.length < 2 || exits.size < 2) return []
    return [...exits.values()]
      .filter(({ heardAt, member }) => heardAt > Number.NEGATIVE_INFINITY && !member.isBusy(now) && !member.isDraining(now))
      .sort((a, b) => b.heardAt - a.heardAt)
      .slice(0, MOST_EXITS)
      .flatMap(exit => ready.filter(source => !exit.isDeafTo(now, source)).map(source => ({ exit, source })))
  }
}
