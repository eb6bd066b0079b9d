import { parseDatagram2 } from '@minwww/i2cp/codec'
import type { Destination, LocalDestination } from '@minwww/i2cp/codec'
import { decodeOpenBody, sessionId, TokenBucket } from '@minwww/protocol'
import type { OpenMessage } from '@minwww/protocol'
import type { ServerConfig } from './config.ts'
import { ReplayTable } from './replay-table.ts'
import type { OpenEntry } from './replay-table.ts'
import type { Session } from './session.ts'
import type { SessionTable } from './session-table.ts'
import type { ServerStats } from './types.ts'

/** An OPEN that is all it claims to be. */
export interface VerifiedOpen {
  from: Destination
  open: OpenMessage
  /** The session that it renews. */
  session: Session | undefined
  /** What the replay table knows of it. */
  entry: OpenEntry
}

export interface OpenVerifierOptions {
  keys: LocalDestination
  config: ServerConfig
  sessions: SessionTable
  stats: ServerStats
  /** ms that the router's clock is ahead of the core's. */
  clockOffset: () => number
}

/** Verifies OPENs (sections 4 and 8), the cheap checks first: nothing is computed for what fails one of them. */
export class OpenVerifier {
  readonly #options: OpenVerifierOptions
  readonly #replays: ReplayTable
  /** ms on the core's clock. What was sent before may have been answered by the process before this one. */
  readonly #startedAt: number
  readonly #known: TokenBucket
  readonly #unknown: TokenBucket

  constructor (now: number, options: OpenVerifierOptions) {
    const { config } = options
    this.#options = options
    this.#startedAt = now
    this.#replays = new ReplayTable(2 * config.clockTolerance)
    // A flood of new Destinations must not keep out the ones that have a session.
    this.#known = new TokenBucket(config.signatureChecks, config.signatureChecks, now)
    this.#unknown = new TokenBucket(config.signatureChecks, config.signatureChecks, now)
  }

  /** Undefined for anything that gets no answer. */
  admit (now: number, payload: Buffer): VerifiedOpen | undefined {
    const { keys, sessions, stats } = this.#options
    const read = this.#read(now, payload)
    if (read === undefined) return undefined
    const { from, open, verify } = read
    // Both in whole seconds, as OPENs tell their time. By the router's present clock: it may have been wrong at the start.
    if (open.time < Math.floor((this.#startedAt + this.#options.clockOffset()) / 1000)) {
      stats.early++
      return undefined
    }
    const session = sessions.find(open.session.toString('hex'))
    if (session !== undefined && !session.destination.equals(from)) {
      stats.stolen++
      return undefined
    }
    const key = ReplayTable.key(from.hash, open.session, open.id)
    const seen = this.#replays.find(key)
    if (seen !== undefined && open.attempt <= seen.attempt) {
      stats.replayed++
      return undefined
    }
    const checks = sessions.knows(from) ? this.#known : this.#unknown
    if (!checks.take(now, 1)) {
      stats.unchecked++
      return undefined
    }
    if (!verify(keys.destination.hash)) {
      stats.badSignatures++
      return undefined
    }
    return { from, open, session, entry: this.#replays.record(now, key, open.attempt) }
  }

  nextTimeout (): number | undefined {
    return this.#replays.nextTimeout()
  }

  handleTimeout (now: number): void {
    this.#replays.handleTimeout(now)
  }

  #read (now: number, payload: Buffer): { from: Destination, open: OpenMessage, verify: (ownHash: Uint8Array) => boolean } | undefined {
    try {
      const datagram = parseDatagram2(payload)
      const open = decodeOpenBody(datagram.payload)
      const skew = Math.abs(now + this.#options.clockOffset() - open.time * 1000)
      if (skew <= this.#options.config.clockTolerance && datagram.offline === undefined && sessionId(open.key).equals(open.session)) {
        return { from: datagram.from, open, verify: hash => safely(() => datagram.verify(hash)) }
      }
    } catch { /* whatever it is, it is no OPEN */ }
    this.#options.stats.malformed++
    return undefined
  }
}

/** A signature type that cannot be checked is not a signature. */
function safely (check: () => boolean): boolean {
  try {
    return check()
  } catch {
    return false
  }
}
