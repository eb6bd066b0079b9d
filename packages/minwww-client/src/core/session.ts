import { sessionKeys } from '@minwww/protocol'
import type { SessionKeys } from '@minwww/protocol'

/**
 * What one of our Destinations shares with one exit (section 3): K, the keys made of it and the numbers of its requests.
 * An exit knows it once it has seen an OPEN, and forgets it after ten minutes of silence.
 */
export class ExitSession {
  readonly source: number
  readonly secret: Buffer
  readonly keys: SessionKeys
  /** Hex of the session id. */
  readonly name: string
  #heardAt: number | undefined
  #doubtful = false
  #openedInVain = 0
  #nextId = 1
  #reports = 0

  constructor (source: number, secret: Buffer) {
    this.source = source
    this.secret = secret
    this.keys = sessionKeys(secret)
    this.name = this.keys.session.toString('hex')
  }

  takeId (): number {
    const id = this.#nextId
    this.#nextId = (id + 1) >>> 0
    return id
  }

  /** The number of the next REPORT. */
  takeReport (): number {
    return ++this.#reports
  }

  /** The exit answered under Ks, so it knows the session. */
  heard (now: number): void {
    this.#heardAt = now
    this.#doubtful = false
    this.#openedInVain = 0
  }

  /** Silence, or an unknown id: the exit may have forgotten. The next request is an OPEN. */
  doubt (): void {
    this.#doubtful = true
  }

  /** An OPEN had no answer: its session id may belong to somebody else at that exit. */
  openedInVain (): void {
    this.#openedInVain++
  }

  /** Opening again with the same K is hopeless, if no request depends on it. */
  get isSpent (): boolean {
    return this.#heardAt === undefined && this.#openedInVain >= 2
  }

  isOpen (now: number, life: number): boolean {
    return this.#heardAt !== undefined && !this.#doubtful && now - this.#heardAt < life
  }
}
