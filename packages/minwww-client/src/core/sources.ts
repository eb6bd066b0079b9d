import type { Exit } from './exit.ts'

/** So many exits that are silent from one source are not dead all at once: it is the source that is not heard. */
const DOUBTFUL = 2

/** Which of our own Destinations can send. */
export class Sources {
  readonly #count: number
  readonly #suspended = new Set<number>()
  readonly #heardAt: (source: number) => number
  /** Two of the exits that were asked from each in vain, and since when nothing may have come to it. */
  readonly #silences = new Map<number, { since: number, exits: Set<string> }>()
  /** From where something was asked for in vain, and nothing came meanwhile. */
  readonly #unheard = new Set<number>()
  #resumedAt = Number.NEGATIVE_INFINITY

  /** @param heardAt - when something genuine came to one last, ms; -Infinity before the first time */
  constructor (count: number, heardAt: (source: number) => number) {
    this.#count = count
    this.#heardAt = heardAt
  }

  /**
   * The source that is asked for, or another one in its place; undefined while none can send. One from which several exits were
   * asked in vain is used where there is no better one.
   * @param isDeaf - whether the exit is known not to hear one
   */
  usable (source: number, isDeaf: (source: number) => boolean = () => false): number | undefined {
    const candidates = Array.from({ length: this.#count }, (_, offset) => (source + offset) % this.#count)
      .filter(candidate => !this.#suspended.has(candidate))
    const isAsked = (candidate: number): boolean => candidate === source
    return candidates.find(candidate => !this.#isDoubtful(candidate) && (isAsked(candidate) || !isDeaf(candidate))) ?? candidates[0]
  }

  canSend (source: number): boolean { return source < this.#count && !this.#suspended.has(source) }

  /** Another one can send. */
  hasOther (source: number): boolean {
    return Array.from({ length: this.#count }, (_, other) => other).some(other => other !== source && !this.#suspended.has(other))
  }

  /** The next one after it. */
  other (source: number): number { return (source + 1) % this.#count }

  /** Something genuine has come to it since, from whichever exit. */
  isHeardSince (source: number, time: number): boolean { return this.#heardAt(source) >= time }

  /** An exit was asked from it in vain. @param since - ms, when */
  silent (source: number, exit: string, since: number): void {
    if (!this.isHeardSince(source, since)) this.#unheard.add(source)
    let silence = this.#silences.get(source)
    if (silence === undefined || this.isHeardSince(source, silence.since)) {
      silence = { since, exits: new Set() }
      this.#silences.set(source, silence)
    }
    if (silence.exits.size < DOUBTFUL) silence.exits.add(exit)
  }

  /** One from where something was asked for in vain, if nothing came to it meanwhile: once each time. */
  takeUnheard (): number | undefined {
    const [source] = this.#unheard
    if (source !== undefined) this.#unheard.delete(source)
    return source
  }

  suspend (source: number): void {
    this.#unheard.delete(source)
    this.#suspended.add(source)
  }

  resume (now: number, source: number): void {
    this.#suspended.delete(source)
    this.#silences.delete(source)
    this.#resumedAt = now
  }

  /**
   * The path is not validated: since one came back no exit that used to answer has been heard, so that the way into the
   * network may not stand yet.
   */
  isUnvalidated (exits: Iterable<Exit>): boolean {
    const known = [...exits].filter(({ heardAt }) => heardAt > Number.NEGATIVE_INFINITY)
    return known.length > 0 && known.every(({ heardAt }) => heardAt < this.#resumedAt)
  }

  #isDoubtful (source: number): boolean {
    const silence = this.#silences.get(source)
    return silence !== undefined && silence.exits.size >= DOUBTFUL && !this.isHeardSince(source, silence.since)
  }
}
