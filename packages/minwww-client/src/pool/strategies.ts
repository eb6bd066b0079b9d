import { createHash } from 'node:crypto'

/**
 * How the pool orders its exits for one request:
 * `ranked` by smoothed time without transmission, `round-robin` in turn, `sticky` by rendezvous hash of the site,
 * `single` always the first that works, `spread` by a secret hash of the site among all that are good: being the fastest of them
 * brings an exit nothing.
 */
export type Strategy = 'ranked' | 'round-robin' | 'sticky' | 'single' | 'spread'

export const STRATEGIES: readonly Strategy[] = ['ranked', 'round-robin', 'sticky', 'single', 'spread']

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

/** Good are exits that take at most so many times as long as the median of all that were measured, or so many ms longer. */
const GOOD = 2
const GOOD_FOR = 100

/** Orders candidates best first. Pure: the same input gives the same order. `salt` is the secret of `spread`. */
export function order<T extends Candidate> (strategy: Strategy, candidates: readonly T[], site: string, salt = ''): T[] {
  switch (strategy) {
    case 'single': return [...candidates]
    case 'round-robin': return [...candidates].sort((a, b) => a.lastUsed - b.lastUsed)
    case 'sticky': return rendezvous(candidates, site)
    case 'spread': return spread(candidates, site, salt)
    case 'ranked': return ranked(candidates)
  }
}

function ranked<T extends Candidate> (candidates: readonly T[]): T[] {
  return [...candidates].sort((a, b) => step(a) - step(b) || a.pending - b.pending || a.lastUsed - b.lastUsed)
}

/** Who does not know the salt can neither make a key that wins a site, nor win sites by being fast. The others come by rank. */
function spread<T extends Candidate> (candidates: readonly T[], site: string, salt: string): T[] {
  const scores = candidates.flatMap(({ score }) => score === undefined ? [] : [score]).sort((a, b) => a - b)
  const median = scores[scores.length >> 1] ?? 0
  const most = Math.max(median * GOOD, median + GOOD_FOR)
  const isGood = ({ score }: T): boolean => score !== undefined && score <= most
  return [...rendezvous(candidates.filter(isGood), `${salt}\0${site}`), ...ranked(candidates.filter(one => !isGood(one)))]
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
