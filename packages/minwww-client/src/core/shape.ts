import { expectedLosses, INITIAL_SHAPE, SHAPES } from '@minwww/protocol'

/** Symbols of one size that must have been sent before their loss says anything. */
const MIN_SYMBOLS = 12
/** Symbols after which the counts of a size are halved, so that it can change. */
const WINDOW_SYMBOLS = 256
/** How many standard deviations above the expected loss are "clearly more". */
const DEVIATIONS = 4
/** What is assumed of the path before smaller symbols have shown it, and the weight of that in tunnel messages. */
const PRIOR_LOSS = 0.01
const PRIOR_WEIGHT = 400

interface Tally { announced: number, lost: number }

export interface ShapeOptions {
  /** Tunnel messages without loss or reordering after which the next larger size is allowed. */
  growRun: number
  /** A size that failed is tried again after this many ms. */
  retry: number
}

/** One burst that is over. */
export interface BurstOutcome { m: number, announced: number, received: number, outOfOrder: boolean }

/**
 * Learns which symbol size survives on the way from one exit (section 5). A large symbol is judged by what smaller ones
 * say about the path: routers that drop a message because of its fragments' order do not drop single ones.
 */
export class ShapeLearner {
  readonly #options: ShapeOptions
  readonly #tallies = new Map<number, Tally>()
  #shape = INITIAL_SHAPE
  #orderly = 0
  #shrunkAt = Number.NEGATIVE_INFINITY

  constructor (options: ShapeOptions) {
    this.#options = options
  }

  /** Largest allowed m. */
  shape (now: number): number {
    if (this.#shape < INITIAL_SHAPE && now - this.#shrunkAt >= this.#options.retry) {
      this.#shape = INITIAL_SHAPE
      this.#tallies.clear()
    }
    return this.#shape
  }

  burst (now: number, { m, announced, received, outOfOrder }: BurstOutcome): void {
    const lost = Math.max(0, announced - received)
    this.#orderly = lost > 0 || outOfOrder ? 0 : this.#orderly + announced * m
    if (lost > 0 && m > INITIAL_SHAPE) {
      this.#shape = Math.min(this.#shape, Math.max(INITIAL_SHAPE, below(m)))
      return
    }
    if (this.#count(m, announced, lost)) {
      this.#shape = Math.min(this.#shape, below(m))
      this.#shrunkAt = now
    } else if (this.#orderly >= this.#options.growRun && this.#shape >= INITIAL_SHAPE) {
      this.#shape = above(this.#shape)
      this.#orderly = 0
    }
  }

  /** @returns whether symbols of m tunnel messages are lost clearly more often than the path explains */
  #count (m: number, announced: number, lost: number): boolean {
    const tally = this.#tallies.get(m) ?? { announced: 0, lost: 0 }
    this.#tallies.set(m, tally)
    tally.announced += announced
    tally.lost += lost
    if (tally.announced > WINDOW_SYMBOLS) {
      tally.announced /= 2
      tally.lost /= 2
    }
    if (m === 1 || tally.announced < MIN_SYMBOLS) return false
    const arrives = 1 / (1 + expectedLosses(1, this.#pathLoss(m), m))
    const expected = tally.announced * (1 - arrives)
    const isClear = tally.lost > expected + DEVIATIONS * Math.sqrt(expected) + 2
    if (isClear) this.#tallies.delete(m)
    return isClear
  }

  /** Loss per tunnel message as symbols smaller than m show it. */
  #pathLoss (m: number): number {
    let lost = PRIOR_LOSS * PRIOR_WEIGHT
    let sent = PRIOR_WEIGHT
    for (const [size, tally] of this.#tallies) {
      if (size >= m) continue
      lost += tally.lost
      sent += tally.announced * size
    }
    return lost / sent
  }
}

function below (m: number): number {
  return SHAPES.filter(shape => shape < m).at(-1) ?? 1
}

function above (m: number): number {
  return SHAPES.find(shape => shape > m) ?? m
}
