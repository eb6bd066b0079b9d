import type { Outgoing } from './types.ts'

/** ms of silence after which our router is not known to have a ratchet session with an exit's: i2pd begins a new one after 90 s. */
const KNOWN = 80_000
/** ms between two messages that may begin a session: since i2pd 2.55 a Destination takes one in 200 ms, over all its peers. */
const SPACING = 210
/** An unanswered first message is repeated, or followed by the next request, after this, ms; half of it less or more. */
const AGAIN = 1_000
/** Messages that wait for their turn; above it the oldest is dropped, as the exit's router would. */
export const MAX_HELD = 32
/** Who browses is asked for again after a silence of this many ms, and up to so many more: before the session is forgotten. */
const ASK_AFTER = 60_000
const ASK_SPREAD = 15_000
/** ms without a request after which nobody browses. */
const BROWSING = 180_000

/**
 * The ratchet sessions that routers have between our Destinations and one exit's. Until the first answer every message begins
 * one, and the exit's router takes few of those (docs/routers.md): one message goes first, and what can wait for its answer
 * does. What cannot goes one at a time.
 */
export class FirstContact {
  /** When the exit was heard last, by own Destination. */
  readonly #heardAt = new Map<number, number>()
  readonly #held: Outgoing[] = []
  /** When a message left last that may have begun a session. */
  #sentAt = Number.NEGATIVE_INFINITY
  /** A first message is under way: from this Destination, and waited for until then. */
  #first: { readonly source: number, readonly until: number } | undefined
  /** When it is to be asked whether it is there, if somebody browses. */
  #askAt = Infinity
  #usedAt = Number.NEGATIVE_INFINITY

  /** Routers have a session, as far as is known: messages may follow each other at once. */
  isKnown (now: number, source: number): boolean {
    return now - (this.#heardAt.get(source) ?? Number.NEGATIVE_INFINITY) < KNOWN
  }

  /** The answer to a first message from this Destination is waited for. */
  isAwaited (source: number): boolean {
    return this.#first?.source === source
  }

  /** A message would not leave at once. */
  holds (now: number, source: number): boolean {
    return !this.isKnown(now, source) && (this.#held.length > 0 || now < this.#sentAt + SPACING)
  }

  /** A request goes out. */
  used (now: number): void {
    this.#usedAt = now
    if (this.#askAt <= now) this.#askAt = Infinity
  }

  /**
   * A message may leave now, or is kept until its turn.
   * @param wait - how long the next request waits for its answer, ms
   */
  pass (now: number, message: Outgoing, wait: number): boolean {
    const { source } = message
    if (this.isKnown(now, source)) return true
    this.#first ??= { source, until: now + wait }
    if (this.holds(now, source)) {
      if (this.#held.length >= MAX_HELD) this.#held.shift()
      this.#held.push(message)
      return false
    }
    this.#sentAt = now
    return true
  }

  /**
   * Something authentic came to this Destination.
   * @param chance - 0 to 1, anew each time
   * @returns what may leave now
   */
  heard (now: number, source: number, chance: number): Outgoing[] {
    this.#heardAt.set(source, now)
    this.#askAt = now + ASK_AFTER + ASK_SPREAD * chance
    if (this.#first?.source === source) this.#first = undefined
    const free = this.#held.filter(message => message.source === source)
    if (free.length > 0) this.#held.splice(0, Infinity, ...this.#held.filter(message => message.source !== source))
    return free
  }

  /** This Destination has begun anew, under whatever keys. */
  forget (source: number): void {
    this.#heardAt.delete(source)
    this.#held.splice(0, Infinity, ...this.#held.filter(message => message.source !== source))
    if (this.#first?.source === source) this.#first = undefined
  }

  nextTimeout (): number {
    const turn = this.#held.length > 0 ? this.#sentAt + SPACING : Infinity
    return Math.min(turn, this.#first?.until ?? Infinity, this.#usedAt + BROWSING > this.#askAt ? this.#askAt : Infinity)
  }

  /** The next request need not wait any longer, and the message whose turn it is, if any, may leave. */
  handleTimeout (now: number): Outgoing | undefined {
    if (this.#first !== undefined && this.#first.until <= now) this.#first = undefined
    if (this.#held.length === 0 || now < this.#sentAt + SPACING) return undefined
    this.#sentAt = now
    return this.#held.shift()
  }

  /** It is time to ask whether the exit is there, so that its session is kept. Said once. */
  takeQuestion (now: number): boolean {
    if (this.#askAt > now) return false
    this.#askAt = Infinity
    return this.#usedAt + BROWSING > now
  }
}

/** ms until an unanswered first message is followed by another one. @param chance - 0 to 1 */
export function againAfter (chance: number, roundTrip: number): number {
  return Math.max(AGAIN, roundTrip) * (0.5 + chance)
}
