import { INITIAL_SHAPE, PRIOR_LOSS, SHAPES } from '@minwww/protocol'

/** Symbols of one size that must have been sent before their loss says anything. */
const MIN_SYMBOLS = 12
/** Symbols after which the counts of a size are halved, so that it can change. */
const WINDOW_SYMBOLS = 256
/** How many standard deviations above the expected loss are "clearly more". */
const DEVIATIONS = 4
/** Weight of the loss assumed before smaller symbols have shown it, tunnel messages. */
const PRIOR_WEIGHT = 400
/** Tunnel messages that decide a trial, at least, and a step of the climb. */
const TRIAL = 200
/** Losses that a trial expects if the path is to blame: by chance it then has a third of them in one case of a hundred. */
const TRIAL_LOSSES = 12
/** The size was to blame if single messages are lost less than this share of what it suggested. */
const WORTH = 1 / 3

interface Tally { announced: number, lost: number }

export interface ShapeOptions {
  /** Tunnel messages without loss or reordering after which the next larger size is allowed. */
  growRun: number
  /** A size that failed is tried again after this many ms. */
  retry: number
}

/** One burst that is over. */
export interface BurstOutcome { m: number, announced: number, received: number, outOfOrder: boolean }

/** How far the search for the largest size that survives has come. */
type Search =
  /** Nothing speaks against the sizes allowed. */
  | { name: 'free' }
  /** Symbols of `suspect` tunnel messages are lost more often than expected: are single ones as well? */
  | { name: 'trial', suspect: number, suggested: number, sent: number, lost: number }
  /** They are not. Sizes below `bad` are tried one after the other. */
  | { name: 'climb', bad: number, sent: number }

/**
 * Learns which symbol size survives on the way from one exit (section 5). Loss of large symbols alone does not tell a
 * lossy path from a router that drops messages whose fragments come out of order. So for a while single tunnel messages
 * are asked for: if they are lost as often as the large symbols' loss suggests, these were not to blame.
 */
export class ShapeLearner {
  readonly #options: ShapeOptions
  readonly #tallies = new Map<number, Tally>()
  /** Sizes that a trial has cleared of suspicion, and until when. */
  readonly #cleared = new Map<number, number>()
  #search: Search = { name: 'free' }
  #shape = INITIAL_SHAPE
  #orderly = 0
  #shrunkAt = Number.NEGATIVE_INFINITY

  constructor (options: ShapeOptions) {
    this.#options = options
  }

  /** Largest allowed m. */
  shape (now: number): number {
    if (this.#search.name !== 'free' && now - this.#shrunkAt >= this.#options.retry) {
      this.#shape = INITIAL_SHAPE
      this.#search = { name: 'free' }
      this.#tallies.clear()
    }
    return this.#shape
  }

  burst (now: number, { m, announced, received, outOfOrder }: BurstOutcome): void {
    const lost = Math.max(0, announced - received)
    this.#orderly = lost > 0 || outOfOrder ? 0 : this.#orderly + announced * m
    if (m > INITIAL_SHAPE) {
      if (lost > 0) this.#shape = Math.min(this.#shape, Math.max(INITIAL_SHAPE, below(m)))
      else this.#grow()
      return
    }
    const isSuspect = this.#isSuspect(now, m, this.#count(m, announced, lost))
    switch (this.#search.name) {
      case 'free':
        if (isSuspect) this.#try(now, m)
        else this.#grow()
        break
      case 'trial':
        if (m === 1) this.#judge(now, this.#search, announced, lost)
        break
      case 'climb':
        if (isSuspect) this.#settle(now, m)
        else if (m === this.#shape) this.#climb(this.#search, announced * m)
    }
  }

  #grow (): void {
    if (this.#orderly < this.#options.growRun || this.#search.name !== 'free') return
    this.#shape = above(this.#shape)
    this.#orderly = 0
  }

  #try (now: number, suspect: number): void {
    this.#search = { name: 'trial', suspect, suggested: perTunnelMessage(this.#tallies.get(suspect)!, suspect), sent: 0, lost: 0 }
    this.#shape = 1
    this.#shrunkAt = now
  }

  #judge (now: number, trial: Search & { name: 'trial' }, announced: number, lost: number): void {
    trial.sent += announced
    trial.lost += lost
    if (trial.sent < Math.max(TRIAL, TRIAL_LOSSES / trial.suggested)) return
    const isPath = trial.lost / trial.sent > WORTH * trial.suggested
    if (isPath) {
      for (const m of SHAPES) this.#cleared.set(m, now + this.#options.retry)
      this.#shape = INITIAL_SHAPE
      this.#search = { name: 'free' }
    } else {
      this.#search = { name: 'climb', bad: trial.suspect, sent: TRIAL }
      this.#climb(this.#search, 0)
    }
    this.#tallies.delete(trial.suspect)
  }

  #climb (climb: Search & { name: 'climb' }, sent: number): void {
    climb.sent += sent
    if (climb.sent < TRIAL || above(this.#shape) >= climb.bad) return
    this.#shape = above(this.#shape)
    climb.sent = 0
  }

  /** The climb has met the first bad size. */
  #settle (now: number, m: number): void {
    this.#search = { name: 'climb', bad: m, sent: 0 }
    this.#shape = below(m)
    this.#shrunkAt = now
    this.#tallies.delete(m)
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
    if (m === 1 || tally.announced < MIN_SYMBOLS || (this.#cleared.get(m) ?? now) > now) return false
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
