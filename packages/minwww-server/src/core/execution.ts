import type { Session } from './session.ts'

/** Sessions and ids under which one token is answered: as many as a client has attempts. */
const MAX_ASKERS = 15

/** A request that is carried out once, whoever of its client's Destinations asks for it, and how often (section 4.8). */
export class Execution {
  /** By which stream its rest is asked for: hex of the token. */
  readonly token: string
  readonly #askers: Array<{ readonly session: Session, readonly id: number }> = []

  constructor (token: string) {
    this.token = token
  }

  /** Who asked for it, oldest first. */
  get askers (): ReadonlyArray<{ readonly session: Session, readonly id: number }> {
    return this.#askers
  }

  get isFull (): boolean {
    return this.#askers.length >= MAX_ASKERS
  }

  asked (session: Session, id: number): void {
    this.#askers.push({ session, id })
  }
}
