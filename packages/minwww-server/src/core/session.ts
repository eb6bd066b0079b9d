import type { Destination } from '@minwww/i2cp/codec'
import { decodeRate, MAX_OBJECT, MAX_SYMBOLS, ReplayWindow, TokenBucket, TUNNEL_BYTES } from '@minwww/protocol'
import type { SessionKeys } from '@minwww/protocol'
import type { ServerConfig } from './config.ts'
import type { ServedRequest } from './served-request.ts'
import type { PathFacts } from './reply.ts'

/** Symbols are slow enough for every gateway if the rate is below this share of what the server's message rate lets through. */
const SLOW = 0.9

/** A Destination that has sessions. */
export interface Peer {
  sessions: number
  /** It spoke again after it was answered: it can be reached where it says it is (QUIC's address validation). */
  isValidated: boolean
}

/** A client that has signed an OPEN. */
export class Session {
  /** The session id, hex. */
  readonly name: string
  readonly destination: Destination
  readonly keys: SessionKeys
  /** Shared by all sessions of the Destination; `SessionTable.add` sets it. */
  peer: Peer = { sessions: 0, isValidated: false }
  readonly window = new ReplayWindow()
  /** Everything sent to this client passes it; bytes. */
  readonly bucket: TokenBucket
  /** Messages, where the client has granted more than the server's message rate; undefined where that one counts. */
  messages: TokenBucket | undefined
  /** Bytes that it was sent, and at least what the others were given meanwhile: its turn among them. */
  served = 0
  /** By id, least recently touched first. Bounded by maxRequestsPerSession. */
  readonly requests = new Map<number, ServedRequest>()
  /** Bytes of its cached answers. */
  held = 0
  fetches = 0
  /** Something was sent to it. */
  isAnswered = false
  heardAt: number
  /** Port of the client, and ours. */
  clientPort = 0
  ownPort = 0
  /** As last told by the client. */
  path: PathFacts
  max = MAX_OBJECT
  readonly #config: ServerConfig

  constructor (now: number, destination: Destination, keys: SessionKeys, config: ServerConfig) {
    this.name = keys.session.toString('hex')
    this.destination = destination
    this.keys = keys
    this.heardAt = now
    this.#config = config
    this.path = { loss: 0, shape: 1, maxSymbols: config.messageBurst }
    this.bucket = new TokenBucket(config.initialRate, config.initialDepth * TUNNEL_BYTES, now)
  }

  get id (): Buffer {
    return this.keys.session
  }

  /** Takes the rate that the client grants; code 0 means that it does not know yet. Absurd rates are clamped. */
  grant (now: number, code: number): void {
    if (code === 0) return
    const { minRate, maxRate, depthTime, minDepth, maxDepth } = this.#config
    const rate = Math.min(maxRate, Math.max(minRate, decodeRate(code)))
    const depth = Math.min(maxDepth, Math.max(minDepth, Math.floor(rate * depthTime / 1000 / TUNNEL_BYTES)))
    this.#grantMessages(now, rate)
    if (rate !== this.bucket.rate || depth * TUNNEL_BYTES !== this.bucket.depth) this.bucket.setRate(now, rate, depth * TUNNEL_BYTES)
  }

  /** What the path is: as the client says, and how many symbols may follow each other unhindered at its rate. */
  learn (now: number, { loss, shape, rate }: { loss: number, shape: number, rate: number }): void {
    this.grant(now, rate)
    this.path = { loss, shape, maxSymbols: this.#maxSymbols(rate) }
  }

  /**
   * Who has seen long trains come at the server's message rate without a loss too many is sent more messages in a second,
   * and as many more at once.
   */
  #grantMessages (now: number, rate: number): void {
    const { messageRate, messageBurst } = this.#config
    const granted = rate / TUNNEL_BYTES
    const burst = messageBurst * granted / messageRate
    if (granted <= messageRate) this.messages = undefined
    else if (this.messages === undefined) this.messages = new TokenBucket(granted, burst, now)
    else this.messages.setRate(now, granted, burst)
  }

  #maxSymbols (code: number): number {
    const { messageRate, messageBurst } = this.#config
    const isSlow = code > 0 && this.bucket.rate < SLOW * messageRate * TUNNEL_BYTES
    return isSlow ? MAX_SYMBOLS : Math.floor(this.messages?.depth ?? messageBurst)
  }
}
