import type { Random } from '../../crypto/keys.ts'
import { I2cpError } from '../../errors.ts'
import { Backoff, type BackoffOptions } from './backoff.ts'
import type { Phase } from './phase.ts'

/** So often in a row a router may refuse a session that it has never had, until the session ends. */
export const MAX_REFUSALS = 5
/** A number that was taken is drawn anew at once, and room at a router's limit comes as others leave. ms. */
const REFUSAL_BACKOFF: BackoffOptions = { min: 200, max: 2_000 }
/** What Java's router says in its Disconnect where SessionStatus has "refused" (ClientMessageEventListener.java). */
const JAVA_LIMIT = 'session limit exceeded'

/** The router is there, and wants no session. 'may-pass': asked again it may say otherwise, though nothing was changed. */
export type Refusal = 'may-pass' | 'final'

export interface AttemptOptions {
  readonly backoff: BackoffOptions
  readonly reconnect: boolean
  readonly waitForRouter: boolean
}

/** When a session that has lost its connection, or was refused, is tried again. */
export class Attempts {
  readonly #options: AttemptOptions
  readonly #losses: Backoff
  readonly #waits: Backoff
  #refusals = 0

  constructor (options: AttemptOptions, random: Random) {
    this.#options = options
    this.#losses = new Backoff(options.backoff, random)
    this.#waits = new Backoff(REFUSAL_BACKOFF, random)
  }

  /**
   * How long to wait before the next attempt, ms; undefined if there is none. What the router has had once is asked for
   * for ever: it may have lost more than the session.
   */
  next (everReady: boolean, refusal: Refusal | undefined): number | undefined {
    const { reconnect, waitForRouter } = this.#options
    const isPatient = reconnect && (everReady || waitForRouter)
    if (refusal === undefined) this.accepted()
    if (refusal === undefined || everReady) return isPatient ? this.#losses.next() : undefined
    if (++this.#refusals === MAX_REFUSALS) return undefined
    if (refusal === 'may-pass') return this.#waits.next()
    return isPatient ? this.#losses.next() : undefined
  }

  /** What to say at the end. */
  summary (error: I2cpError): I2cpError {
    return this.#refusals > 1 ? new I2cpError(error.code, `${error.message}, ${this.#refusals} times in a row`, { cause: error }) : error
  }

  /** The router has made the session, or is another one by now. */
  accepted (): void {
    this.#refusals = 0
    this.#waits.reset()
  }

  /** The session stood for a while, so what ended it is no failed attempt. */
  stood (): void { this.#losses.reset() }
}

/** What a Disconnect means. Java's router refuses with it, as it does for a client that may not come in. */
export function dismissal (phase: Phase, reason: string): { error: I2cpError, refusal?: Refusal } {
  // A router's text goes to a log: no control characters.
  const text = `the router disconnected: ${reason.replace(/[^\x20-\x7e]/g, '?')}`
  if (reason === JAVA_LIMIT) return { error: new I2cpError('I2CP_SESSION_REFUSED', text), refusal: 'may-pass' }
  const error = new I2cpError('I2CP_DISCONNECTED', text)
  return phase.name === 'greeting' || phase.name === 'creating' ? { error, refusal: 'final' } : { error }
}
