import type { Random } from '../random.ts'

/** ms between two new sessions that a Destination takes, over all its peers (Garlic.cpp, INCOMING_SESSIONS_MINIMAL_INTERVAL). */
const MIN_INTERVAL = 200
/** After so much silence a session is begun anew, if it is as old as the other, ms (IsInactive, CanBeRestarted). */
const SILENCE = 90_000
const MIN_AGE = 120_000
/**
 * A Destination looks through its sessions every so often, ms, and forgets those that it answered longer ago than this, and that the
 * peer has not used since (Destination.h, DESTINATION_CLEANUP_TIMEOUT; CheckExpired).
 */
const LOOK = 44_000
const LOOK_SPREAD = 30_000
const UNUSED = 15_000

interface Session {
  /** When it stood, ms. */
  readonly since: number
  heardAt: number
}

/**
 * The ratchet sessions of one Destination, as i2pd has them since 2.55: until a peer has answered, and after 90 s of silence,
 * each message to it begins a new session; and a Destination takes one of those in 200 ms. Who has answered keeps a session only once
 * the peer has used it; the peer, which does not notice, goes on with what nobody can read.
 */
export class Ratchets {
  readonly #most: number
  readonly #random: Random
  readonly #sessions = new Map<string, Session>()
  /** Peers whose session was not used yet, and when it was answered. */
  readonly #unused = new Map<string, number>()
  /** Peers whose session was forgotten, which use it all the same. */
  readonly #forgotten = new Map<string, true>()
  #takenAt = Number.NEGATIVE_INFINITY
  #looksAt: number | undefined

  /** @param most - peers that are remembered, of which the one heard first is forgotten */
  constructor (most: number, random: Random) {
    this.#most = most
    this.#random = random
  }

  /** A message goes to this peer. @returns whether it begins a new session */
  sends (now: number, peer: string): boolean {
    this.#look(now)
    if (this.#begins(now, peer)) return true
    if (this.#unused.get(peer) === Infinity) this.#unused.set(peer, now)
    return false
  }

  hears (now: number, peer: string): void {
    const session = this.#sessions.get(peer)
    if (session === undefined || this.#begins(now, peer)) this.#keep(this.#sessions, peer, { since: now, heardAt: now })
    else session.heardAt = now
  }

  /**
   * Takes a message of this peer, or cannot: a new session that came too soon after another one, or one that was forgotten.
   * @param begins - a new session
   */
  takes (now: number, peer: string, begins: boolean): 'taken' | 'too-often' | 'forgotten-session' {
    this.#look(now)
    if (!begins) {
      this.#unused.delete(peer)
      return this.#forgotten.has(peer) ? 'forgotten-session' : 'taken'
    }
    if (now - this.#takenAt < MIN_INTERVAL) return 'too-often'
    this.#takenAt = now
    // Of several new ones that come before the answer the first is kept.
    if (this.#begins(now, peer)) this.#keep(this.#unused, peer, Infinity)
    this.#forgotten.delete(peer)
    return 'taken'
  }

  #begins (now: number, peer: string): boolean {
    const session = this.#sessions.get(peer)
    return session === undefined || (now - session.heardAt >= SILENCE && now - session.since >= MIN_AGE)
  }

  #look (now: number): void {
    this.#looksAt ??= now + LOOK
    if (this.#unused.size === 0) {
      while (this.#looksAt <= now) this.#looksAt = now + LOOK * this.#random.next()
      return
    }
    while (this.#looksAt <= now) {
      for (const [peer, answeredAt] of this.#unused) if (this.#looksAt - answeredAt > UNUSED) this.#forget(peer)
      this.#looksAt += LOOK + LOOK_SPREAD * this.#random.next()
    }
  }

  #forget (peer: string): void {
    this.#unused.delete(peer)
    this.#sessions.delete(peer)
    this.#keep(this.#forgotten, peer, true)
  }

  #keep<V> (table: Map<string, V>, peer: string, value: V): void {
    if (!table.has(peer) && table.size >= this.#most) table.delete(table.keys().next().value!)
    table.set(peer, value)
  }
}
