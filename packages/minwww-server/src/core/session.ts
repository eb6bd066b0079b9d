import type { Destination } from '@minwww/i2cp/codec'
import { decodeRate, MAX_OBJECT, ReplayWindow, TokenBucket } from '@minwww/protocol'
import type { SessionKeys } from '@minwww/protocol'
import type { ServerConfig } from './config.ts'
import type { Exchange } from './exchange.ts'
import type { PathFacts } from './reply.ts'

/** Bytes that one tunnel message counts against a rate. */
export const TUNNEL_BYTES = 1024

/** A Destination that has sessions. */
export interface Peer {
  sessions: number
  /** It spoke again after it was answered: it can be reached where it says it is. */
  isProven: boolean
}

/** A client that has signed an OPEN. */
export class Session {
  /** The session id, hex. */
  readonly name: string
  readonly destination: Destination
  readonly keys: SessionKeys
  /** Shared by all sessions of the Destination; `SessionTable.add` sets it. */
  peer: Peer = { sessions: 0, isProven: false }
  readonly window = new ReplayWindow()
  /** Everything sent to this client passes it; bytes. */
  readonly bucket: TokenBucket
  /** Bytes that it was sent, and at least what the others were given meanwhile: its turn among them. */
  served = 0
  /** By id, least recently touched first. Bounded by maxExchanges. */
  readonly exchanges = new Map<number, Exchange>()
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
  path: PathFacts = { loss: 0, shape: 1 }
  max = MAX_OBJECT
  readonly #config: ServerConfig

  constructor (now: number, destination: Destination, keys: SessionKeys, config: ServerConfig) {
    this.name = keys.session.toString('hex')
    this.destination = destination
    this.keys = keys
    this.heardAt = now
    this.#config = config
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
    if (rate !== this.bucket.rate || depth * TUNNEL_BYTES !== this.bucket.depth) this.bucket.setRate(now, rate, depth * TUNNEL_BYTES)
  }
}
