import { wireBytes } from '@minwww/protocol'
import type { Session } from './session.ts'

/** Something to send in one or more messages of one size. */
export interface Burst {
  /** What it belongs to: a CANCEL takes out all of it. */
  readonly owner: object
  /** Payload bytes of each message. */
  readonly messageLength: number
  /** Messages left; `take` makes it one fewer. */
  readonly left: number
  /** Bytes of memory that it keeps, about. */
  readonly held: number
  /** Nobody has asked for it: it goes when nothing else does. */
  readonly isPush?: boolean
  /** The next message. @param pace - bytes/s at which this session is sent to */
  take (now: number, pace: number): Buffer
}

/** The bursts of one session: those of which nothing was sent yet go first, then one message of each in turn. */
export class Flow {
  readonly session: Session
  #isUnvalidated: boolean
  #restingRate = 0
  #held = 0
  readonly #fresh: Burst[] = []
  readonly #turn: Burst[] = []
  /** What nobody has asked for: one after the other, when there is nothing else. */
  readonly #unasked: Burst[] = []

  constructor (session: Session) {
    this.session = session
    this.#isUnvalidated = !session.peer.isValidated
  }

  /** Its Destination was not validated when the flow was opened, or looked at last. */
  get isUnvalidated (): boolean {
    return this.#isUnvalidated
  }

  /** True if its Destination was validated since. */
  takeValidation (): boolean {
    if (!this.#isUnvalidated || !this.session.peer.isValidated) return false
    this.#isUnvalidated = false
    return true
  }

  /** Bursts that wait. */
  get size (): number {
    return this.#fresh.length + this.#turn.length + this.#unasked.length
  }

  /** Bytes of memory that they keep, about. */
  get held (): number {
    return this.#held
  }

  /** What is sent from next. */
  get head (): Burst | undefined {
    return this.#fresh[0] ?? this.#turn[0] ?? this.#unasked[0]
  }

  /** Bytes, in whole tunnel messages, of the next message. */
  get nextBytes (): number {
    return wireBytes(this.head?.messageLength ?? 0)
  }

  /** Rate at which it was put to rest, bytes/s. */
  get restingRate (): number {
    return this.#restingRate
  }

  /** Its session's bucket holds it back. */
  rest (): void {
    this.#restingRate = this.session.bucket.rate
  }

  push (burst: Burst): void {
    if (burst.isPush === true) this.#unasked.push(burst)
    else this.#fresh.push(burst)
    this.#held += burst.held
  }

  /** A message of the head was taken: the next burst has its turn. */
  rotate (): void {
    const burst = this.#fresh.shift() ?? this.#turn.shift() ?? this.#unasked.shift()
    if (burst === undefined) return
    if (burst.left === 0) this.#held -= burst.held
    else if (burst.isPush === true) this.#unasked.unshift(burst)
    else this.#turn.push(burst)
  }

  /** Takes out the newest one. */
  shed (): void {
    this.#held -= (this.#unasked.pop() ?? this.#fresh.pop() ?? this.#turn.pop())?.held ?? 0
  }

  /** Messages of an owner that wait. */
  waiting (owner: object): number {
    const count = (sum: number, burst: Burst): number => sum + (burst.owner === owner ? burst.left : 0)
    return this.#unasked.reduce(count, this.#turn.reduce(count, this.#fresh.reduce(count, 0)))
  }

  /** Takes out what belongs to an owner. */
  cancel (owner: object): void {
    for (const queue of [this.#fresh, this.#turn, this.#unasked]) {
      const others = queue.filter(burst => burst.owner !== owner)
      queue.splice(0, queue.length, ...others)
    }
    this.#held = [...this.#fresh, ...this.#turn, ...this.#unasked].reduce((sum, { held }) => sum + held, 0)
  }
}
