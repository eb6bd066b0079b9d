import { createHash } from 'node:crypto'

/**
 * How the pool orders its exits for one request:
 * `ranked` by smoothed time without transmission, `round-robin` in turn, `sticky` by rendezvous hash of the site,
 * `single` always the first that works.
 */
export type Strategy = 'ranked' | 'round-robin' | 'sticky' | 'single'

export const STRATEGIES: readonly Strategy[] = ['ranked', 'round-robin', 'sticky', 'single']

/** What a strategy sees of an exit. */
export interface Candidate {
  readonly id: string
  /** ms; undefined while nothing was measured. */
  readonly score: number | undefined
  /** Requests not yet answered. */
  readonly pending: number
  /** Turn in which it was used last. */
  readonly lastUsed: number
}

/** Two exits whose scores fall into the same step of this ratio are equal: the less busy one goes first. */
const SCORE_STEP = Math.log(1.1)

/** Orders candidates best first. Pure: the same input gives the same order. */
export function order<T extends Candidate> (strategy: Strategy, candidates: readonly T[], site: string): T[] {
  switch (strategy) {
    case 'single': return [...candidates]
    case 'round-robin': return [...candidates].sort((a, b) => a.lastUsed - b.lastUsed)
    case 'sticky': return rendezvous(candidates, site)
    case 'ranked': return [...candidates].sort((a, b) => step(a) - step(b) || a.pending - b.pending || a.lastUsed - b.lastUsed)
  }
}

/** Unmeasured exits come last: a probe measures them, not a page. */
function step ({ score }: Candidate): number {
  return score === undefined ? Number.MAX_SAFE_INTEGER : Math.floor(Math.log(Math.max(1, score)) / SCORE_STEP)
}

/** Highest random weight: each site has its own order of all exits, and loses only its own exit when one goes. */
function rendezvous<T extends Candidate> (candidates: readonly T[], site: string): T[] {
  const weight = (id: string): number => createHash('sha256').update(id).update('\0').update(site).digest().readUIntBE(0, 6)
  return candidates
    .map(candidate => ({ candidate, weight: weight(candidate.id) }))
    .sort((a, b) => b.weight - a.weight)
    .map(entry => entry.candidate)
}
