/** ms between two new sessions that a Destination takes, over all its peers (Garlic.cpp, INCOMING_SESSIONS_MINIMAL_INTERVAL). */
const MIN_INTERVAL = 200
/** ms of silence after which a session is begun anew. */
const SILENCE = 90_000

/**
 * The ratchet sessions of one Destination, as i2pd has them since 2.55: until a peer has answered, and after 90 s of silence,
 * each message to it begins a new session; and a Destination takes one of those in 200 ms.
 */
export class Ratchets {
  readonly #most: number
  /** When each peer was heard last. */
  readonly #heard = new Map<string, number>()
  #takenAt = Number.NEGATIVE_INFINITY

  /** @param most - peers that are remembered, of which the one heard first is forgotten */
  constructor (most: number) {
    this.#most = most
  }

  /** A message to this peer begins a new session. */
  begins (now: number, peer: string): boolean {
    return now - (this.#heard.get(peer) ?? Number.NEGATIVE_INFINITY) >= SILENCE
  }

  hears (now: number, peer: string): void {
    if (!this.#heard.has(peer) && this.#heard.size >= this.#most) this.#heard.delete(this.#heard.keys().next().value!)
    this.#heard.set(peer, now)
  }

  /** Takes a new session, unless one came too short a time ago. */
  takes (now: number): boolean {
    if (now - this.#takenAt < MIN_INTERVAL) return false
    this.#takenAt = now
    return true
  }
}
