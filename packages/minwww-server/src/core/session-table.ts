import type { Destination } from '@minwww/i2cp/codec'
import type { ServerConfig } from './config.ts'
import { Peer } from './session.ts'
import type { Session } from './session.ts'

/**
 * Sessions by id, in two tables: Destinations cost nothing to make, so sessions of which only the OPEN was seen cannot
 * push out those that are in use. Each table is ordered by silence, the longest first.
 */
export class SessionTable {
  readonly #config: ServerConfig
  readonly #fresh = new Map<string, Session>()
  readonly #used = new Map<string, Session>()
  /** Destinations with sessions, by hash. */
  readonly #peers = new Map<string, Peer>()

  constructor (config: ServerConfig) {
    this.#config = config
  }

  get size (): number {
    return this.#fresh.size + this.#used.size
  }

  find (name: string): Session | undefined {
    return this.#used.get(name) ?? this.#fresh.get(name)
  }

  knows (destination: Destination): boolean {
    return this.#peers.has(keyOf(destination))
  }

  /** What all sessions of a Destination share: for a new session, which `add` takes up. */
  peerOf (destination: Destination): Peer {
    return this.#peers.get(keyOf(destination)) ?? new Peer()
  }

  /** Adds a session; returns those that had to go: of the same Destination, and of all. */
  add (session: Session): Session[] {
    const evicted: Session[] = []
    const evict = (other: Session | undefined): void => {
      if (other === undefined) return
      this.remove(other)
      evicted.push(other)
    }
    evict(session.peer.excess)
    if (this.#fresh.size >= this.#config.maxFreshSessions) evict(first(this.#fresh))
    this.#fresh.set(session.name, session)
    session.peer.join(session)
    this.#peers.set(keyOf(session.destination), session.peer)
    return evicted
  }

  /** The session has proved again that it knows its key. Returns the one that had to go for it. */
  touch (session: Session, isUse: boolean): Session | undefined {
    const isProof = isUse && session.isAnswered
    if (isProof) session.peer.validate()
    if (!isProof && this.#fresh.has(session.name)) {
      this.#fresh.delete(session.name)
      this.#fresh.set(session.name, session)
      return undefined
    }
    const isNew = !this.#used.delete(session.name)
    this.#fresh.delete(session.name)
    const evicted = isNew && this.#used.size >= this.#config.maxSessions ? first(this.#used) : undefined
    if (evicted !== undefined) this.remove(evicted)
    this.#used.set(session.name, session)
    return evicted
  }

  remove (session: Session): void {
    const known = this.#fresh.delete(session.name) || this.#used.delete(session.name)
    if (!known) return
    if (session.peer.leave(session)) this.#peers.delete(keyOf(session.destination))
  }

  /** When the next session ends. */
  nextTimeout (): number | undefined {
    const heardAt = Math.min(first(this.#fresh)?.heardAt ?? Infinity, first(this.#used)?.heardAt ?? Infinity)
    return heardAt === Infinity ? undefined : heardAt + this.#config.sessionLife
  }

  /** Sessions whose silence is over its limit; they stay until removed. */
  expired (now: number): Session[] {
    const sessions: Session[] = []
    for (const table of [this.#fresh, this.#used]) {
      for (const session of table.values()) {
        if (session.heardAt + this.#config.sessionLife > now) break
        sessions.push(session)
      }
    }
    return sessions
  }
}

function first (table: Map<string, Session>): Session | undefined {
  return table.values().next().value
}

function keyOf (destination: Destination): string {
  return destination.hash.toString('latin1')
}
