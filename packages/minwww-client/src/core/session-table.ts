import { SESSION_SECRET } from '@minwww/protocol'
import type { Exit } from './exit.ts'
import { ExitSession } from './session.ts'
import type { TransferTable } from './transfer-table.ts'

/** The sessions of all own Destinations with all exits. Bounded by the exits and sites of the client. */
export class SessionTable {
  readonly #random: (length: number) => Uint8Array
  readonly #transfers: TransferTable
  readonly #byName = new Map<string, { session: ExitSession, exit: Exit }>()
  /** By own Destination; one without a session has not been used yet. */
  readonly #byExit = new Map<Exit, Array<ExitSession | undefined>>()

  constructor (random: (length: number) => Uint8Array, transfers: TransferTable) {
    this.#random = random
    this.#transfers = transfers
  }

  /** The session that a received message names; unauthenticated. */
  find (name: string): { session: ExitSession, exit: Exit } | undefined {
    return this.#byName.get(name)
  }

  /** A session whose OPENs had no answer is replaced by one with a new K, unless a request still depends on it. */
  obtain (exit: Exit, source: number): ExitSession {
    const present = this.#byExit.get(exit)?.[source]
    if (present !== undefined && !(present.isSpent && !this.#transfers.isUsed(present))) return present
    if (present !== undefined) this.#byName.delete(present.name)
    const session = new ExitSession(source, Buffer.from(this.#random(SESSION_SECRET)))
    const sessions = this.#byExit.get(exit) ?? []
    sessions[source] = session
    this.#byExit.set(exit, sessions)
    this.#byName.set(session.name, { session, exit })
    return session
  }

  /** When something genuine came to one own Destination last, from whichever exit; -Infinity before the first time. */
  heardAt (source: number): number {
    let heardAt = Number.NEGATIVE_INFINITY
    for (const { session } of this.#byName.values()) if (session.source === source) heardAt = Math.max(heardAt, session.heardAt)
    return heardAt
  }

  forget (exit: Exit): void {
    for (const session of this.#byExit.get(exit) ?? []) if (session !== undefined) this.#byName.delete(session.name)
    this.#byExit.delete(exit)
  }

  /** Those of one own Destination with all exits. */
  forgetSource (source: number): void {
    for (const [name, { session, exit }] of this.#byName) {
      if (session.source !== source) continue
      this.#byName.delete(name)
      this.#byExit.get(exit)![source] = undefined
      exit.path.forgetBursts()
      exit.forgetSource(source)
    }
  }
}
