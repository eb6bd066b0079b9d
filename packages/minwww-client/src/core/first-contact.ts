import type { Outgoing } from './types.ts'

/** ms of silence after which our router is not known to have a ratchet session with an exit's: i2pd begins a new one after 90 s. */
const KNOWN = 80_000
/**
 * ms between two messages that may begin a session: since i2pd 2.55 a Destination takes one in 200 ms, over all its peers. While
 * none is answered the distance doubles up to the other, so that an exit that comes back has room for all its clients.
 */
const SPACING = 210
const MAX_SPACING = 1_000
/** An unanswered first message is repeated, or followed by the next request, after this, ms; half of it less or more. */
export const AGAIN = 1_000
/** Messages of each own Destination that wait for their turn; above it the oldest is dropped, as the exit's router would. */
export const MAX_HELD = 8
/** Who browses is asked for again after a silence of this many ms, and up to so many more: before the session is forgotten. */
const ASK_AFTER = 60_000
const ASK_SPREAD = 15_000
/** ms without a request after which nobody browses. */
const BROWSING = 180_000

/** A message, and whether what it is for is still waited for. */
export interface Held { readonly message: Outgoing, readonly isWanted: () => boolean }

/** What a chance is asked for: 0 to 1, anew each time, so that clients that begin together do not go on together. */
export type Chance = () => number

/**
 * The ratchet sessions that routers have between our Destinations and one exit's. Until the first answer every message begins
 * one, and the exit's router takes few of those (docs/reference/routers.md): one message goes first, and what can wait for its answer
 * does. What cannot goes one at a time.
 */
export class FirstContact {
  /** When the exit was heard last, by own Destination. */
  readonly #heardAt = new Map<number, number>()
  readonly #held: Held[] = []
  /** When the next message may leave that may begin a session, how many did since one was answered, and from where the last one. */
  #freeAt = Number.NEGATIVE_INFINITY
  #inVain = 0
  #lastFrom: number | undefined
  /** A first message is under way: from this Destination, and waited for until then. */
  #first: { readonly source: number, readonly until: number } | undefined
  /** When it is to be asked whether it is there, if somebody browses; and how much later than at the earliest, ms. */
  #askAt = Infinity
  #askLater: number | undefined
  #usedAt = Number.NEGATIVE_INFINITY

  /** Routers have a session, as far as is known: messages may follow each other at once. */
  isKnown (now: number, source: number): boolean {
    return now - (this.#heardAt.get(source) ?? Number.NEGATIVE_INFINITY) < KNOWN
  }

  /** The answer to a first message from this Destination is waited for. */
  isAwaited (source: number): boolean {
    return this.#first?.source === source
  }

  /** How long a message waits until it leaves, ms. */
  delay (now: number, source: number): number {
    return this.holds(now, source) ? Math.max(0, this.#freeAt - now) + this.#held.length * MAX_SPACING : 0
  }

  /** A message would not leave at once. */
  holds (now: number, source: number): boolean {
    return !this.isKnown(now, source) && (this.#held.length > 0 || now < this.#freeAt)
  }

  /** A request goes out. */
  used (now: number): void {
    this.#usedAt = now
    if (this.#askAt <= now) this.#askAt = Infinity
  }

  /**
   * A message may leave now, or is kept until its turn.
   * @param roundTrip - to the exit, ms; 0 while unknown
   */
  pass (now: number, held: Held, roundTrip: number, chance: Chance): boolean {
    const { source } = held.message
    if (this.isKnown(now, source)) return true
    this.#first ??= { source, until: now + againAfter(chance(), roundTrip) }
    if (this.holds(now, source)) {
      const waiting = this.#held.filter(({ message }) => message.source === source)
      if (waiting.length >= MAX_HELD) this.#held.splice(this.#held.indexOf(waiting[0]!), 1)
      this.#held.push(held)
      return false
    }
    this.#leaves(now, source, chance)
    return true
  }

  /**
   * Something authentic came to this Destination.
   * @returns what may leave now
   */
  heard (now: number, source: number, chance: Chance): Outgoing[] {
    this.#heardAt.set(source, now)
    this.#askLater ??= ASK_SPREAD * chance()
    this.#askAt = now + ASK_AFTER + this.#askLater
    if (this.#first?.source === source) this.#first = undefined
    this.#inVain = 0
    const free = this.#held.filter(({ message, isWanted }) => message.source === source && isWanted())
    this.#drop(({ message }) => message.source === source)
    return free.map(({ message }) => message)
  }

  /** This Destination has begun anew, under whatever keys. */
  forget (source: number): void {
    this.#heardAt.delete(source)
    this.#drop(({ message }) => message.source === source)
    if (this.#first?.source === source) this.#first = undefined
  }

  nextTimeout (): number {
    const turn = this.#held.length > 0 ? this.#freeAt : Infinity
    return Math.min(turn, this.#first?.until ?? Infinity, this.#usedAt + BROWSING > this.#askAt ? this.#askAt : Infinity)
  }

  /** The next request need not wait any longer, and the message whose turn it is, if any, may leave. */
  handleTimeout (now: number, chance: Chance): Outgoing | undefined {
    if (this.#first !== undefined && this.#first.until <= now) this.#first = undefined
    if (this.#held.length === 0 || now < this.#freeAt) return undefined
    this.#drop(({ isWanted }) => !isWanted())
    if (this.#held.length === 0) return undefined
    // One Destination after the other: one of them may be deaf.
    const next = this.#held.findIndex(({ message }) => message.source !== this.#lastFrom)
    const { message } = this.#held.splice(Math.max(0, next), 1)[0]!
    this.#leaves(now, message.source, chance)
    return message
  }

  #drop (isGone: (held: Held) => boolean): void {
    if (this.#held.some(isGone)) this.#held.splice(0, Infinity, ...this.#held.filter(held => !isGone(held)))
  }

  #leaves (now: number, source: number, chance: Chance): void {
    this.#lastFrom = source
    this.#freeAt = now + Math.max(SPACING, Math.min(MAX_SPACING, SPACING * 2 ** this.#inVain) * (0.5 + chance()))
    this.#inVain = Math.min(10, this.#inVain + 1)
  }

  /** It is time to ask whether the exit is there, so that its session is kept. Said once. */
  takeQuestion (now: number): boolean {
    if (this.#askAt > now) return false
    this.#askAt = Infinity
    this.#askLater = undefined
    return this.#usedAt + BROWSING > now
  }
}

/** ms until an unanswered first message is followed by another one. @param chance - 0 to 1 */
export function againAfter (chance: number, roundTrip: number): number {
  return Math.max(AGAIN, roundTrip) * (0.5 + chance)
}
