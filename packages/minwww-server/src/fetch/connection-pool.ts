import type { Clock, Timer } from '@minwww/ground'
import type { SiteConnection } from './connection.ts'

/** ms that a connection is kept for its visitor's next request. */
const IDLE = 10_000
/** Connections that wait, of one visitor to one origin and in all; the oldest is closed. */
const MAX_IDLE_PER_KEY = 6
export const MAX_IDLE = 128

interface Idle {
  connection: SiteConnection
  timer: Timer
  onChange: () => void
}

/**
 * Connections that wait for another request of the same visitor to the same origin. No visitor gets another one's: what
 * a site has tied to a connection (NTLM, a body that it did not read) stays with who did it.
 */
export class ConnectionPool {
  readonly #clock: Clock
  /** Oldest first. */
  readonly #idle = new Map<SiteConnection, Idle>()
  #isClosed = false

  constructor (clock: Clock) {
    this.#clock = clock
  }

  get size (): number { return this.#idle.size }

  take (key: string): SiteConnection | undefined {
    const own = this.#of(key).at(-1)
    if (own === undefined) return undefined
    this.#forget(own)
    return own
  }

  keep (connection: SiteConnection): void {
    if (this.#isClosed) return connection.close()
    const own = this.#of(connection.key)
    const surplus = own.length >= MAX_IDLE_PER_KEY ? own[0] : this.#idle.size >= MAX_IDLE ? this.#idle.keys().next().value : undefined
    if (surplus !== undefined) this.#close(surplus)
    const onChange = () => this.#close(connection)
    const timer = this.#clock.setTimer(onChange, IDLE)
    // Whatever a site says without being asked, it is no answer: the connection is of no use any more.
    connection.socket.on('readable', onChange).on('close', onChange)
    connection.socket.unref()
    this.#idle.set(connection, { connection, timer, onChange })
  }

  close (): void {
    this.#isClosed = true
    for (const connection of [...this.#idle.keys()]) this.#close(connection)
  }

  #of (key: string): SiteConnection[] {
    return [...this.#idle.keys()].filter(connection => connection.key === key)
  }

  #close (connection: SiteConnection): void {
    this.#forget(connection)
    connection.close()
  }

  #forget (connection: SiteConnection): void {
    const idle = this.#idle.get(connection)
    if (idle === undefined) return
    idle.timer.clear()
    connection.socket.off('readable', idle.onChange).off('close', idle.onChange)
    connection.socket.ref()
    this.#idle.delete(connection)
  }
}
