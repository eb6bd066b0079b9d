import type { ExitSession } from './session.ts'

/** So long what came decides who speaks next, ms. */
const PERIOD = 3_000

/**
 * Which of our sessions at one exit is the first, that to which most comes. An exit looks for a queue that two sessions see, as those are
 * two clients that share its tunnels (section 7.5). So the others say that they are of a client that speaks elsewhere.
 */
export class Speaker {
  #session: ExitSession | undefined
  #since = 0
  #isNew = false

  /**
   * A round of REPORTs begins.
   * @param sessions - those that the exit answers at present
   * @returns the one that was the first until now, if it is not any more: the exit has to hear that
   */
  turn (now: number, sessions: ReadonlySet<ExitSession>): ExitSession | undefined {
    this.#isNew = false
    const before = this.#session
    const isThere = before !== undefined && sessions.has(before)
    if (isThere && now - this.#since <= PERIOD) return undefined
    this.#since = now
    // The same one as long as no other has more: an exit compares what it says with what it said before.
    let most = isThere ? before.takeLately() : -1
    for (const session of sessions) {
      const lately = session === before ? -1 : session.takeLately()
      if (lately <= most) continue
      most = lately
      this.#session = session
    }
    if (before === undefined || this.#session === before) return undefined
    this.#isNew = true
    return before
  }

  /** A new first one waits for a round: the exit may hear it before it hears that the other is the first no more. */
  isFirst (session: ExitSession): boolean {
    return session === this.#session && !this.#isNew
  }
}
