import type { Candidate } from './strategies.ts'

/** Weight of a new sample in the score. */
const SCORE_GAIN = 0.25
/** A failure counts as a sample of this many times the score, and at least of `FAILURE_FLOOR` ms. */
const FAILURE_FACTOR = 3
const FAILURE_FLOOR = 1_000
/** Failures in a row after which an exit is on probation. */
const FAILURES_TO_PROBATION = 2
/** Length of the first probation in ms; doubles with each failure in it, up to the maximum. */
const PROBATION = 10_000
const MAX_PROBATION = 600_000
/**
 * ms for which an exit is believed that says `busy` or `draining`; then it is asked again. It may name hours: but it may
 * also have been started again since, with a larger quota, and a lie must not switch off the only exit.
 */
const MAX_AWAY = 60_000
/** One that drains is asked so often whether it is still there, or there again, ms. */
const ASK_DRAINING = 3_000
/** Scores are kept below this many ms, so that no failure is forever. */
const MAX_SCORE = 60_000

/** Saved state of one exit. */
export interface MemberState { id: string, score?: number, successes: number, failures: number }

/** The health of one exit, as its answers and silences show it. */
export class PoolMember implements Candidate {
  readonly id: string
  readonly #pending: () => number
  #score: number | undefined
  #scoredAt = Number.NEGATIVE_INFINITY
  #lastUsed = 0
  #successes = 0
  #failures = 0
  #failuresInRow = 0
  #busyUntil = Number.NEGATIVE_INFINITY
  #drainUntil = Number.NEGATIVE_INFINITY
  #probationUntil = Number.NEGATIVE_INFINITY

  /** @param pending - requests that the exit has not answered yet */
  constructor (id: string, pending: () => number = () => 0) {
    this.id = id
    this.#pending = pending
  }

  /** Smoothed time without transmission, ms; undefined while nothing was measured. */
  get score (): number | undefined {
    return this.#score
  }

  /** When the score changed last; -Infinity before the first time. */
  get scoredAt (): number {
    return this.#scoredAt
  }

  get pending (): number {
    return this.#pending()
  }

  get lastUsed (): number {
    return this.#lastUsed
  }

  get successes (): number {
    return this.#successes
  }

  get failures (): number {
    return this.#failures
  }

  /** It was chosen. @param turn - a number that grows with each choice of the pool */
  used (turn: number): void {
    this.#lastUsed = turn
  }

  /** An answer came `milliseconds` after the request, transmission time already taken off. */
  success (now: number, milliseconds: number): void {
    this.#sample(now, milliseconds)
    this.#successes++
    this.#failuresInRow = 0
    this.#probationUntil = Number.NEGATIVE_INFINITY
  }

  /** Nothing, or nothing usable, came. */
  failure (now: number): void {
    this.#failures++
    this.#failuresInRow++
    this.#sample(now, Math.max(FAILURE_FLOOR, FAILURE_FACTOR * (this.#score ?? 0)))
    if (this.#failuresInRow < FAILURES_TO_PROBATION) return
    // Who has said that he goes, and is silent now, has gone: he is looked for as others that are silent.
    this.#drainUntil = Number.NEGATIVE_INFINITY
    const doublings = Math.min(10, this.#failuresInRow - FAILURES_TO_PROBATION)
    this.#probationUntil = now + Math.min(MAX_PROBATION, PROBATION * 2 ** doublings)
  }

  busy (now: number, milliseconds: number): void {
    this.#busyUntil = now + Math.min(MAX_AWAY, Math.max(0, milliseconds))
  }

  drain (now: number): void {
    this.#drainUntil = now + MAX_AWAY
  }

  /** It was started anew: what was said before holds no more. */
  restarted (): void {
    this.#busyUntil = Number.NEGATIVE_INFINITY
    this.#drainUntil = Number.NEGATIVE_INFINITY
  }

  get busyUntil (): number {
    return this.#busyUntil
  }

  isBusy (now: number): boolean {
    return now < this.#busyUntil
  }

  isDraining (now: number): boolean {
    return now < this.#drainUntil
  }

  /** In probation: not chosen while another works. When the time is over it stays so until a probe or page succeeds. */
  isOnProbation (): boolean {
    return this.#failuresInRow >= FAILURES_TO_PROBATION
  }

  /** Probation has been served, or it drains: a probe may show whether the exit is back. */
  deservesProbe (now: number): boolean {
    if (this.isDraining(now)) return now >= Math.max(this.#drainUntil - MAX_AWAY, this.#scoredAt) + ASK_DRAINING
    return this.isOnProbation() && now >= this.#probationUntil
  }

  isUsable (now: number): boolean {
    return !this.isBusy(now) && !this.isDraining(now) && !this.isOnProbation()
  }

  #sample (now: number, milliseconds: number): void {
    const value = Math.min(MAX_SCORE, Math.max(0, milliseconds))
    this.#score = this.#score === undefined ? value : this.#score + SCORE_GAIN * (value - this.#score)
    this.#scoredAt = now
  }

  toJSON (): MemberState {
    return {
      id: this.id, successes: this.#successes, failures: this.#failures, ...(this.#score === undefined ? {} : { score: this.#score })
    }
  }

  restore (state: MemberState): void {
    if (typeof state.score === 'number' && state.score >= 0 && state.score <= MAX_SCORE) this.#score = state.score
    if (Number.isSafeInteger(state.successes) && state.successes >= 0) this.#successes = state.successes
    if (Number.isSafeInteger(state.failures) && state.failures >= 0) this.#failures = state.failures
  }
}
