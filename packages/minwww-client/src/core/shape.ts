import { INITIAL_SHAPE, SHAPES } from '@minwww/protocol'

/** Symbols of one size that must have been sent before their loss says anything. */
const MIN_SYMBOLS = 12
/** Symbols after which the counts of a size are halved, so that it can change. */
const WINDOW_SYMBOLS = 256
/** How many standard deviations above the expected loss are "clearly more". */
const DEVIATIONS = 4
/** What is assumed of the path before smaller symbols have shown it, and the weight of that in tunnel messages. */
const PRIOR_LOSS = 0.01
const PRIOR_WEIGHT = 400
/** Tunnel messages in smaller symbols that decide a trial. */
const TRIAL = 200
/** Smaller symbols were worth it if the path loses less than this share of what the larger ones suggested. */
const WORTH = 0.5

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
 * Learns which symbol size survives on the way from one exit (section 5). Loss of large symbols alone does not tell a
 * lossy path from a router that drops messages whose fragments come out of order: so the next smaller size is tried,
 * and kept only if its symbols suffer clearly less than independent losses would explain.
 */
export class ShapeLearner {
  readonly #options: ShapeOptions
  readonly #tallies = new Map<number, Tally>()
  /** Sizes that a trial has cleared of suspicion, and until when. */
  readonly #cleared = new Map<number, number>()
  #trial: { larger: number, suggested: number, announced: number, lost: number } | undefined
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
      this.#trial = undefined
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
    if (this.#trial !== undefined && m < this.#trial.larger) this.#judge(now, m, announced, lost)
    const tally = this.#count(m, announced, lost)
    if (this.#isSuspect(now, m, tally)) this.#shrink(now, m, tally)
    else if (this.#orderly >= this.#options.growRun && this.#shape >= INITIAL_SHAPE) {
      this.#shape = above(this.#shape)
      this.#orderly = 0
    }
  }

  #shrink (now: number, m: number, tally: Tally): void {
    this.#trial = { larger: m, suggested: perTunnelMessage(tally, m), announced: 0, lost: 0 }
    this.#shape = Math.min(this.#shape, below(m))
    this.#shrunkAt = now
    this.#tallies.delete(m)
  }

  /** Smaller symbols come: do they fare better than the larger ones' loss per tunnel message says? */
  #judge (now: number, m: number, announced: number, lost: number): void {
    const trial = this.#trial!
    trial.announced += announced * m
    trial.lost += lost
    if (trial.announced < TRIAL) return
    this.#trial = undefined
    if (trial.lost / trial.announced <= WORTH * trial.suggested) return
    this.#cleared.set(trial.larger, now + this.#options.retry)
    this.#shape = Math.max(this.#shape, trial.larger)
  }

  #count (m: number, announced: number, lost: number): Tally {
    const tally = this.#tallies.get(m) ?? { announced: 0, lost: 0 }
    this.#tallies.set(m, tally)
    tally.announced += announced
    tally.lost += lost
    if (tally.announced > WINDOW_SYMBOLS) {
      tally.announced /= 2
      tally.lost /= 2
    }
    return tally
  }

  /** Symbols of m tunnel messages are lost clearly more often than the path explains. */
  #isSuspect (now: number, m: number, tally: Tally): boolean {
    if (m === 1 || m > this.#shape || tally.announced < MIN_SYMBOLS || (this.#cleared.get(m) ?? now) > now) return false
    const expected = tally.announced * (1 - (1 - this.#pathLoss(m)) ** m)
    return tally.lost > expected + DEVIATIONS * Math.sqrt(expected) + 2
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

/** Loss per tunnel message that would explain the loss of symbols of m, were each lost on its own. */
function perTunnelMessage ({ announced, lost }: Tally, m: number): number {
  return 1 - Math.max(0, 1 - lost / announced) ** (1 / m)
}

function below (m: number): number {
  return SHAPES.filter(shape => shape < m).at(-1) ?? 1
}

function above (m: number): number {
  return SHAPES.find(shape => shape > m) ?? m
}
