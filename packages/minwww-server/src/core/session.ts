import type { Destination } from '@minwww/i2cp/codec'
import { decodeRate, MAX_OBJECT, MAX_SYMBOLS, PUSH_IDS, ReplayWindow, TokenBucket, TUNNEL_BYTES } from '@minwww/protocol'
import type { SessionKeys } from '@minwww/protocol'
import type { ServerConfig } from './config.ts'
import type { PathFacts } from './reply.ts'

/** Of the bytes that count against a rate, those that an object has of them. */
const FILLED = 0.9

/** Sessions of one Destination: each has a share of the exit. A client has one, and a few more after restarts. */
export const MAX_SESSIONS_OF_PEER = 4

/** A Destination that has sessions. */
export class Peer {
  readonly #sessions = new Set<Session>() // at most MAX_SESSIONS_OF_PEER
  #isValidated = false

  /** It spoke again after it was answered: it can be reached where it says it is (QUIC's address validation). */
  get isValidated (): boolean {
    return this.#isValidated
  }

  validate (): void {
    this.#isValidated = true
  }

  /** The one that has to go for one more: that which is silent for longest. */
  get excess (): Session | undefined {
    if (this.#sessions.size < MAX_SESSIONS_OF_PEER) return undefined
    return [...this.#sessions].reduce((oldest, session) => session.heardAt < oldest.heardAt ? session : oldest)
  }

  /** It has one more session. */
  join (session: Session): void {
    this.#sessions.add(session)
  }

  /** It has one session fewer; true if that was the last one. */
  leave (session: Session): boolean {
    this.#sessions.delete(session)
    return this.#sessions.size === 0
  }
}

/** A client that has signed an OPEN. */
export class Session {
  /** The session id, hex. */
  readonly name: string
  readonly destination: Destination
  readonly keys: SessionKeys
  /** Shared by all sessions of the Destination. */
  readonly peer: Peer
  readonly window = new ReplayWindow()
  /** Everything sent to this client passes it; bytes. */
  readonly bucket: TokenBucket
  #served = 0
  #isAnswered = false
  #addressedAt = Number.NEGATIVE_INFINITY
  #heardAt: number
  #ports = { client: 0, own: 0 }
  /** Number of the newest REPORT. */
  #reported = 0
  #nextPush = 1
  #path: PathFacts
  #max = MAX_OBJECT
  readonly #config: ServerConfig

  constructor (now: number, destination: Destination, keys: SessionKeys, config: ServerConfig, peer = new Peer()) {
    this.name = keys.session.toString('hex')
    this.destination = destination
    this.keys = keys
    this.peer = peer
    this.#heardAt = now
    this.#config = config
    this.#path = { loss: 0, shape: 1, maxSymbols: config.messageBurst }
    this.bucket = new TokenBucket(config.initialRate, config.initialDepth * TUNNEL_BYTES, now)
  }

  get id (): Buffer {
    return this.keys.session
  }

  /** Bytes that it was sent, and at least what the others were given meanwhile: its turn among them. */
  get served (): number {
    return this.#served
  }

  /** Something was sent to it. */
  get isAnswered (): boolean {
    return this.#isAnswered
  }

  /** When something was said to it last; -Infinity before. */
  get addressedAt (): number {
    return this.#addressedAt
  }

  get heardAt (): number {
    return this.#heardAt
  }

  /** Port of the client, and ours. */
  get ports (): { readonly client: number, readonly own: number } {
    return this.#ports
  }

  /** As last told by the client. */
  get path (): PathFacts {
    return this.#path
  }

  /** Largest object that the client takes, bytes. */
  get max (): number {
    return this.#max
  }

  /** A message of its came, from and to these ports. */
  heard (now: number, fromPort: number, toPort: number): void {
    this.#heardAt = now
    this.#ports = { client: fromPort, own: toPort }
  }

  /** Something for it waits to be sent. */
  addressed (now: number): void {
    this.#addressedAt = now
  }

  answered (now: number): void {
    this.#isAnswered = true
    this.#addressedAt = now
  }

  /** Bytes of an object that leave at once, at the rate that is granted, or about; and that the client takes. */
  get atOnce (): number {
    return Math.min(this.#max, Math.floor(this.bucket.depth * FILLED))
  }

  /** @param max - bytes of the largest object that it takes from now on */
  accept (max: number): void {
    this.#max = max
  }

  /** Its turn is not before `least` and not after `most`. */
  turnWithin (least: number, most: number): void {
    this.#served = Math.min(Math.max(this.#served, least), most)
  }

  serve (bytes: number): void {
    this.#served += bytes
  }

  /** Takes the rate that the client grants; code 0 means that it does not know yet. Absurd rates are clamped. */
  grant (now: number, code: number): void {
    if (code === 0) return
    const { minRate, maxRate, depthTime, minDepth, maxDepth } = this.#config
    const rate = Math.min(maxRate, Math.max(minRate, decodeRate(code)))
    const depth = Math.min(maxDepth, Math.max(minDepth, Math.floor(rate * depthTime / 1000 / TUNNEL_BYTES)))
    if (rate !== this.bucket.rate || depth * TUNNEL_BYTES !== this.bucket.depth) this.bucket.setRate(now, rate, depth * TUNNEL_BYTES)
  }

  /** The next id for something that it did not ask for. */
  takePushId (): number {
    const id = PUSH_IDS + this.#nextPush
    this.#nextPush = (this.#nextPush + 1) % PUSH_IDS
    return id
  }

  /** False if a newer REPORT came before it, or this one. */
  takeReport (number: number): boolean {
    if (number <= this.#reported) return false
    this.#reported = number
    return true
  }

  /**
   * What the path is, as the client says, and how many symbols may follow each other: where a bottleneck spaces them any
   * number; else few long ones, since each costs a gateway, and both ends, as much as a short one.
   */
  learn (now: number, { loss, shape, rate }: { loss: number, shape: number, rate: number }): void {
    this.grant(now, rate)
    const isSlow = rate > 0 && this.bucket.rate < this.#config.slowRate
    this.#path = { loss, shape, maxSymbols: isSlow ? MAX_SYMBOLS : this.#config.messageBurst }
  }
}
