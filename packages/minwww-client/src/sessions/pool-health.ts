import type { ExitStatus } from '../core.ts'

/** An exit as far as the health of the pool depends on it. */
export interface HealthOf {
  readonly id: string
  /** Why its look-up failed last. */
  readonly error?: string
  readonly drained?: boolean
  /** Streams to it stand: it may be an outproxy that takes no messages. */
  readonly hasStreams?: boolean
  readonly status?: ExitStatus
}

/**
 * Whether a request to the pool has somebody to go to: `working` with at least one exit, `asking` while it is not known, `empty`
 * without any, else why not.
 */
export type PoolState = typeof POOL_STATES[number]
export const POOL_STATES = ['working', 'asking', 'empty', 'busy', 'silent', 'not found', 'drained'] as const

/** Nothing is wrong with it, as far as is known. */
export const isWell = ({ state }: PoolHealth): boolean => state === 'working' || state === 'asking' || state === 'empty'

export interface PoolHealth {
  readonly state: PoolState
  /** Exits that take requests, of how many. */
  readonly working: number
  readonly total: number
  /** One sentence for people; empty while all is well. */
  readonly text: string
  /** Epoch ms from when on an exit takes requests again, where it has said so. */
  readonly until?: number
  /** Epoch ms since when nothing was heard of any. */
  readonly since?: number
}

type Kind = Exclude<PoolState, 'empty'>

function kindOf ({ error, drained, hasStreams, status }: HealthOf): Kind {
  if (drained === true) return 'drained'
  if (status === undefined) return error === undefined ? 'asking' : 'not found'
  switch (status.state) {
    case 'ready': return 'working'
    case 'new':
    case 'probing': return 'asking'
    case 'busy': return 'busy'
    case 'draining': return 'drained'
    case 'probation':
    case 'down': return hasStreams === true ? 'working' : status.silentSince === undefined ? 'asking' : 'silent'
  }
}

/** How an exit is, in a word or two, for people. */
export function stateOf ({ error, drained, status }: HealthOf): string {
  return drained === true ? 'drained' : status?.state ?? (error === undefined ? 'looking up' : 'not found')
}

/** A state of the pool in the order in which it is told: what ends by itself comes first. */
const TOLD = ['busy', 'silent', 'not found', 'drained'] as const

/** The health of a pool. Pure. `isLooking`: exits of lists may come. */
export function poolHealth (exits: readonly HealthOf[], isLooking = false): PoolHealth {
  const kinds = exits.map(kindOf)
  const count = (kind: Kind): number => kinds.filter(each => each === kind).length
  const [working, total] = [count('working'), exits.length]
  if (total === 0 && isLooking) return { state: 'asking', working, total, text: 'Exits are being looked for in the lists.' }
  if (total === 0) return { state: 'empty', working, total, text: 'No exit is set: only sites of I2P can be reached.' }
  if (working > 0) return { state: 'working', working, total, text: '' }
  if (count('asking') > 0) return { state: 'asking', working, total, text: 'The exits are being asked whether they are there.' }
  const state = TOLD.find(kind => count(kind) > 0) ?? 'drained'
  const until = earliest(exits.map(({ status }) => status?.busyUntil))
  // The pool is silent since its last exit is.
  const since = latest(exits.map(({ status }) => status?.silentSince))
  const parts = TOLD.filter(kind => count(kind) > 0)
    .map(kind => words(kind, count(kind), kind === 'busy' ? until : kind === 'silent' ? since : undefined, exits))
  return {
    state,
    working,
    total,
    text: `No exit works: ${parts.join(', ')}.`,
    ...(until === undefined ? {} : { until }),
    ...(since === undefined ? {} : { since })
  }
}

function words (kind: typeof TOLD[number], count: number, at: number | undefined, exits: readonly HealthOf[]): string {
  const error = exits.find(exit => kindOf(exit) === 'not found')?.error
  const said = {
    busy: at === undefined ? 'busy' : `busy until ${clock(at)}`,
    silent: at === undefined ? 'silent' : `silent since ${clock(at)}`,
    'not found': error === undefined ? 'not found' : `not found (${error})`,
    drained: 'drained'
  }[kind]
  return exits.length === 1 ? `the only one is ${said}` : count === exits.length ? `all ${count} are ${said}` : `${count} ${said}`
}

/** As the log and the error pages have it. */
const clock = (ms: number): string => `${new Date(ms).toISOString().slice(11, 19)} UTC`

function earliest (times: ReadonlyArray<number | undefined>): number | undefined {
  const known = times.filter(time => time !== undefined)
  return known.length === 0 ? undefined : Math.min(...known)
}

function latest (times: ReadonlyArray<number | undefined>): number | undefined {
  const known = times.filter(time => time !== undefined)
  return known.length === 0 ? undefined : Math.max(...known)
}
