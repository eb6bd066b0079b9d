import { createHash } from 'node:crypto'
import type { ExitStatus } from '../core.ts'

/** Exits tried for one request over streams. */
const MAX_TRIED = 3

const PENALTY: Readonly<Record<ExitStatus['state'], number>> = { ready: 0, new: 0, probing: 0, busy: 1, probation: 2, draining: 3, down: 3 }

/**
 * Exits for a stream to a site, best first: the healthy ones by rendezvous hash, so that a site keeps seeing one exit. With a secret
 * `salt` nobody can make an exit whose key wins a site.
 */
export function exitsForSite (exits: readonly ExitStatus[], site: string, first?: string, salt = ''): ExitStatus[] {
  const weight = (exit: ExitStatus): string => createHash('sha256').update(`${salt}${site}\0${exit.id}`).digest('hex')
  const rank = (exit: ExitStatus): number => exit.id === first ? -1 : PENALTY[exit.state] ?? 1
  return exits
    .map(exit => ({ exit, rank: rank(exit), weight: weight(exit) }))
    .sort((a, b) => a.rank - b.rank || (a.weight < b.weight ? -1 : 1))
    .slice(0, MAX_TRIED)
    .map(({ exit }) => exit)
}

/**
 * Exits for the rest of a download, best first: those that failed least, then those that answer fastest. The one that failed now
 * comes after those that are as well as it is: it may have a path by now, which one that is down has not. One silence does not make an
 * exit `down` yet, so that the failures are looked at.
 */
export function exitsForRest (exits: readonly ExitStatus[], failed: string | undefined): ExitStatus[] {
  const rank = (exit: ExitStatus): number => (PENALTY[exit.state] ?? 1) + (exit.id === failed ? 1 / 2 : 0)
  const score = (exit: ExitStatus): number => exit.score ?? Infinity
  return [...exits]
    .sort((a, b) => compare(rank(a), rank(b)) || compare(failureShare(a), failureShare(b)) || compare(score(a), score(b)))
    .slice(0, MAX_TRIED)
}

const failureShare = ({ failures, successes }: ExitStatus): number => failures / Math.max(1, failures + successes)

const compare = (a: number, b: number): number => a < b ? -1 : a > b ? 1 : 0
