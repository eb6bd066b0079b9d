import { PUSH_IDS, sessionKeys } from '@minwww/protocol'
import type { SessionKeys } from '@minwww/protocol'
import { SentMemory } from './sent-memory.ts'

/** Ids that are left when a session is given up: what depends on it may take some more. */
const LAST_IDS = 65_536
/** Bytes of symbols that may come for each byte that may be pushed, and in all. */
const PUSH_FACTOR = 2
const MAX_PUSHABLE = 16_777_216
/** Silence after which a time says nothing beside one of before, ms: less than half of what its 16 bits hold. */
const STALE = 30_000
/** A page's pushes have come by then, ms. */
const PUSH_TIME = 120_000

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
  #came = { at: Number.NEGATIVE_INFINITY, time: 0, received: 0 }
  #lately = 0
  /** What the exit need not send again. */
  readonly sent = new SentMemory()
  #pushable = 0
  #granted = 0
  #askedAt = Number.NEGATIVE_INFINITY
  #pushUntil = Number.NEGATIVE_INFINITY

  constructor (source: number, secret: Buffer) {
    this.source = source
    this.secret = secret
    this.keys = sessionKeys(secret)
    this.name = this.keys.session.toString('hex')
  }

  /** Below those of pushes, which are the exit's. */
  takeId (): number {
    const id = this.#nextId
    this.#nextId = id + 1
    return id
  }

  /** A request says that so many bytes may be pushed: with parity and repetitions some more come. */
  allowPushes (now: number, bytes: number): void {
    this.#pushUntil = now + PUSH_TIME
    this.#pushable = Math.min(MAX_PUSHABLE, this.#pushable + PUSH_FACTOR * bytes)
  }

  /** Whether anything may be pushed at present. */
  mayPush (now: number): boolean {
    return now < this.#pushUntil && this.#pushable > 0
  }

  /** Counts bytes that were pushed. False if they are more than was allowed. */
  takePushed (bytes: number): boolean {
    this.#pushable -= bytes
    return this.#pushable > 0
  }

  /** When it was asked for something, or something came, last; ms. */
  get usedAt (): number {
    return Math.max(this.#askedAt, this.#came.at)
  }

  asked (now: number): void {
    this.#askedAt = now
  }

  /** Bytes/s that the exit was told last that it may send; 0 before. */
  get granted (): number {
    return this.#granted
  }

  /** A message that says so has left. */
  grants (rate: number): void {
    this.#granted = rate
  }

  /** The number of the next REPORT. */
  takeReport (): number {
    return ++this.#reports
  }

  /** Symbols that came: the time of the newest, and tunnel messages of all. */
  get came (): { readonly time: number, readonly received: number } {
    return this.#came
  }

  symbolCame (now: number, time: number, tunnelMessages: number): void {
    const { at, received } = this.#came
    const isNewer = now - at > STALE || (time - this.#came.time) << 16 >> 16 > 0
    this.#came = { at: now, time: isNewer ? time : this.#came.time, received: received + tunnelMessages }
    this.#lately += tunnelMessages
  }

  /** Tunnel messages of symbols that came since this was asked last. */
  takeLately (): number {
    const lately = this.#lately
    this.#lately = 0
    return lately
  }

  /** The exit answered under Ks, so it knows the session. */
  heard (now: number): void {
    this.#heardAt = now
    this.#doubtful = false
    this.#openedInVain = 0
  }

  /** When the exit answered last, ms; -Infinity before the first time. */
  get heardAt (): number { return this.#heardAt ?? Number.NEGATIVE_INFINITY }

  /** Silence, or an unknown id: the exit may have forgotten. The next request is an OPEN. */
  doubt (): void {
    this.#doubtful = true
  }

  /** An OPEN had no answer: its session id may belong to somebody else at that exit. */
  openedInVain (): void {
    this.#openedInVain++
  }

  /** It has no ids left, or opening again with the same K is hopeless, if no request depends on it. */
  get isSpent (): boolean {
    return this.#nextId >= PUSH_IDS - LAST_IDS || (this.#heardAt === undefined && this.#openedInVain >= 2)
  }

  isOpen (now: number, life: number): boolean {
    return this.#heardAt !== undefined && !this.#doubtful && now - this.#heardAt < life
  }
}
