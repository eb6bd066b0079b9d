import { allowedShapes, chooseSymbols, decodeLoss, ErasureEncoder, SYMBOL_OVERHEAD, TUNNEL_MESSAGE } from '@minwww/protocol'
import type { Part } from '@minwww/protocol'
import type { ServerConfig } from './config.ts'

/** What the client said of the path when it asked; raw codes. */
export interface PathFacts {
  loss: number
  shape: number
  /** Symbols that an object is best cut into at most. */
  maxSymbols: number
}

/** Indices of one burst. */
export interface SymbolRange {
  first: number
  last: number
}

/**
 * One answer, cut into symbols: what may be sent of it, and how much was. `budget` holds the amplification: whatever a
 * client asks, no more than three times the reply's size leaves.
 */
export class Reply {
  readonly size: number
  readonly part: Part
  readonly object: Buffer
  /** What an empty reply says instead, before zeros. */
  readonly #fill: Uint8Array
  #encoder: ErasureEncoder
  #m: number
  #k: number
  #r: number
  #symbolLength: number
  #announced = -1
  #budget: number
  #bursts: number

  constructor (object: Buffer, path: PathFacts, config: ServerConfig, part: Part = 'whole', fill: Uint8Array = Buffer.alloc(0)) {
    this.size = object.length
    this.part = part
    this.object = object
    this.#fill = fill
    this.#bursts = config.maxBursts
    const { m, k, r, symbolLength } = choose(object.length, path)
    this.#m = m
    this.#k = k
    this.#r = r
    this.#symbolLength = symbolLength
    this.#encoder = new ErasureEncoder(object, symbolLength)
    this.#budget = Math.max(config.replyFactor * k * this.messageLength, config.minReplyMessages * TUNNEL_MESSAGE)
  }

  /** Tunnel messages of each symbol. */
  get m (): number {
    return this.#m
  }

  /** Payload bytes of the message that carries one symbol. */
  get messageLength (): number {
    return this.#symbolLength + SYMBOL_OVERHEAD
  }

  /** Memory that the reply holds, about: the object, and the parity sent so far in groups of four. */
  get held (): number {
    const parity = Math.max(0, this.#announced + 1 - this.#k)
    return this.size + Math.ceil(parity / 4) * 4 * this.#symbolLength
  }

  symbol (index: number): Buffer {
    return this.size === 0 ? Buffer.concat([this.#fill], this.#symbolLength) : this.#encoder.symbol(index)
  }

  /** The first burst or a repetition of it; undefined when the reply has had its share. */
  whole (path: PathFacts): SymbolRange | undefined {
    const choice = choose(this.size, path)
    if (path.shape < this.#m && choice.symbolLength !== this.#symbolLength) this.#cut(choice)
    else if (choice.k === this.#k) this.#r = Math.max(this.#r, choice.r)
    return this.#spend(0, this.#k + this.#r)
  }

  /** The answer to a probe: so many empty symbols; undefined when the reply has had its share. */
  train (count: number): SymbolRange | undefined {
    return this.#spend(0, count)
  }

  /** A repair; undefined when nothing of it is fresh or the reply has had its share. */
  repair (from: number, count: number, isNewAttempt: boolean): SymbolRange | undefined {
    if (this.size === 0) return undefined
    const first = isNewAttempt ? from : Math.max(from, this.#announced + 1)
    return this.#spend(first, from + count - first)
  }

  /** Symbols as large as before do not come through: smaller ones, from the beginning. */
  #cut ({ m, k, r, symbolLength }: ReturnType<typeof choose>): void {
    this.#m = m
    this.#k = k
    this.#r = r
    this.#symbolLength = symbolLength
    this.#announced = -1
    this.#encoder = new ErasureEncoder(this.object, symbolLength)
  }

  #spend (first: number, wanted: number): SymbolRange | undefined {
    const count = Math.min(wanted, Math.floor(this.#budget / this.messageLength))
    if (count < 1 || this.#bursts < 1) return undefined
    this.#bursts--
    this.#budget -= count * this.messageLength
    const last = first + count - 1
    this.#announced = Math.max(this.#announced, last)
    return { first, last }
  }
}

function choose (size: number, path: PathFacts): ReturnType<typeof chooseSymbols> {
  return chooseSymbols({ size, loss: decodeLoss(path.loss), shapes: allowedShapes(path.shape), maxSymbols: path.maxSymbols })
}
