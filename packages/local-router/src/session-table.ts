import type { RouterSession } from './session.ts'
import type { RouterStats } from './stats.ts'

/** Sessions of one router: the IDs that there are, without NO_SESSION and 0. */
const MAX_SESSIONS = 65_534

/** The sessions of one router, whatever their connection. */
export class SessionTable {
  readonly #stats: RouterStats
  readonly #byKey = new Map<string, RouterSession>()
  readonly #ids = new Set<number>()

  constructor (stats: RouterStats) {
    this.#stats = stats
  }

  get full (): boolean {
    return this.#ids.size >= MAX_SESSIONS
  }

  /** @param key `destinationKey` of the session's Destination */
  get (key: string): RouterSession | undefined {
    return this.#byKey.get(key)
  }

  /** An ID that no session has; the table must not be full. */
  nextId (): number {
    let id = this.#stats.sessionsCreated % MAX_SESSIONS
    do id = id % MAX_SESSIONS + 1; while (this.#ids.has(id))
    return id
  }

  add (session: RouterSession): void {
    this.#ids.add(session.id)
    this.#byKey.set(session.key, session)
    this.#stats.sessions++
    this.#stats.sessionsCreated++
  }

  /** Ends a session and frees its ID. */
  close (session: RouterSession): void {
    session.close()
    this.#ids.delete(session.id)
    this.#byKey.delete(session.key)
    this.#stats.sessions--
  }
}
