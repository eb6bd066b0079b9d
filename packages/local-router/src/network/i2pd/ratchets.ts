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
/**
 * Tags that a receiver knows ahead of the last message that came, and half of the index of that one more, up to the other
 * (HandleExistingSessionMessage). A message with a later one cannot be read, and nobody tells the sender.
 */
const TAGS = 24
const MAX_TAGS = 800

/** Which message of which session a message is. */
export interface RatchetTag { readonly session: number, readonly index: number }

/** What a message is to the ratchet: the first of a session, an answer to such a one (neither), or one with a tag of the session. */
export interface RatchetMessage { readonly begins: boolean, readonly tag?: RatchetTag }

interface Session {
  /** When it stood, ms. */
  readonly since: number
  heardAt: number
}

/**
 * The ratchet sessions of one Destination, as i2pd has them since 2.55: until a peer has answered, and after 90 s of silence,
 * each message to it begins a new session; and a Destination takes one of those in 200 ms. Who has answered keeps a session only once
 * the peer has used it; the peer, which does not notice, goes on with what nobody can read. So does one of which too many messages in a
 * row were lost.
 */
export class Ratchets {
  readonly #most: number
  readonly #random: Random
  readonly #sessions = new Map<string, Session>()
  /** Peers whose session was not used yet, and when it was answered. */
  readonly #unused = new Map<string, number>()
  /** Peers whose session was forgotten, which use it all the same. */
  readonly #forgotten = new Map<string, true>()
  /** Sessions that messages went out by, and how many of them. */
  readonly #sent = new Map<string, { session: number, count: number }>()
  /** The first tag that is not known of a peer's session. */
  readonly #known = new Map<string, { session: number, next: number }>()
  /** `crypto.ratchet.inboundTags`; 0: as the router does it by itself. */
  inboundTags = 0
  #takenAt = Number.NEGATIVE_INFINITY
  #looksAt: number | undefined

  /** @param most - peers that are remembered, of which the one heard first is forgotten */
  constructor (most: number, random: Random) {
    this.#most = most
    this.#random = random
  }

  /** A message goes to this peer. */
  sends (now: number, peer: string): RatchetMessage {
    this.#look(now)
    if (this.#begins(now, peer)) return { begins: true }
    if (this.#unused.get(peer) === Infinity) this.#unused.set(peer, now)
    if (this.#unused.has(peer)) return { begins: false }
    const sent = this.#sent.get(peer) ?? this.#restart(peer)
    return { begins: false, tag: { session: sent.session, index: sent.count++ } }
  }

  hears (now: number, peer: string): void {
    const session = this.#sessions.get(peer)
    if (session !== undefined && !this.#begins(now, peer)) session.heardAt = now
    else {
      this.#keep(this.#sessions, peer, { since: now, heardAt: now })
      this.#restart(peer)
    }
  }

  /**
   * Takes a message of this peer, or cannot: a new session that came too soon after another one, one that was forgotten, or a tag that is
   * not known yet.
   */
  takes (now: number, peer: string, { begins, tag }: RatchetMessage): 'taken' | 'too-often' | 'forgotten-session' | 'unknown-tag' {
    this.#look(now)
    if (!begins) {
      if (this.#forgotten.has(peer)) return 'forgotten-session'
      if (tag !== undefined && !this.#knows(peer, tag)) return 'unknown-tag'
      this.#unused.delete(peer)
      return 'taken'
    }
    if (now - this.#takenAt < MIN_INTERVAL) return 'too-often'
    this.#takenAt = now
    // Of several new ones that come before the answer the first is kept.
    if (this.#isReplaced(now, peer)) {
      this.#sessions.delete(peer)
      this.#keep(this.#unused, peer, Infinity)
    }
    this.#forgotten.delete(peer)
    return 'taken'
  }

  /** Counts anew, by another session. */
  #restart (peer: string): { session: number, count: number } {
    const sent = { session: (this.#sent.get(peer)?.session ?? 0) + 1, count: 0 }
    this.#keep(this.#sent, peer, sent)
    return sent
  }

  /** Of the session before the tags are known still. */
  #knows (peer: string, { session, index }: RatchetTag): boolean {
    let known = this.#known.get(peer)
    if (known === undefined || known.session < session) {
      known = { session, next: this.inboundTags || TAGS }
      this.#keep(this.#known, peer, known)
    }
    if (known.session > session) return true
    if (index >= known.next) return false
    if (this.inboundTags === 0) known.next = Math.max(known.next, index + Math.min(MAX_TAGS, TAGS + (index >> 1)))
    else if (known.next - index < this.inboundTags / 2) known.next += this.inboundTags
    return true
  }

  #begins (now: number, peer: string): boolean {
    const session = this.#sessions.get(peer)
    return session === undefined || (now - session.heardAt >= SILENCE && now - session.since >= MIN_AGE)
  }

  /** A new session takes the place of one that is old enough (AddECIESx25519Session). */
  #isReplaced (now: number, peer: string): boolean {
    const session = this.#sessions.get(peer)
    return session === undefined || now - session.since >= MIN_AGE
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
