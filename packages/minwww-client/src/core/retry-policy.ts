import type { FailureCode } from './failures.ts'

/** Other exits that are asked when one refuses by policy. */
const MAX_REFUSALS = 2

/** Why an attempt has brought no page. */
export type Setback =
  | 'silence' // nothing came in time, or not enough
  | 'unusable' // what came is no page, or more than any honest exit sends
  | 'forgotten' // the exit does not know the request
  | 'busy' // the exit has no room now
  | 'closed' // the exit drains, or was taken out of the pool
  | 'policy' // the exit does not fetch this address
  | 'too-large' // the page needs a stream, which any exit can open
  | 'page' // the page itself fails, whichever exit is asked

/** What the ERROR of an exit, or a finding of the client's, is to the attempt. */
export const SETBACKS: Readonly<Record<FailureCode, Setback>> = {
  'unknown-id': 'forgotten',
  busy: 'busy',
  'too-large': 'too-large',
  policy: 'policy',
  'not-resolved': 'page',
  'connect-failed': 'page',
  'upstream-timeout': 'page',
  'upstream-malformed': 'page',
  'bad-request': 'page',
  draining: 'closed',
  'outcome-unknown': 'page',
  timeout: 'silence',
  unanswered: 'silence',
  silent: 'silence',
  'no-exit': 'closed',
  'bad-response': 'unusable',
  'request-too-large': 'page',
  overloaded: 'page'
}

/** All that decides what follows a setback. Times in ms of the core's clock. */
export interface Facts {
  readonly setback: Setback
  readonly purpose: 'pool' | 'direct' | 'probe'
  /** It does no harm to fetch it twice: another exit may. */
  readonly idempotent: boolean
  /** Another attempt of this request may still be answered. */
  readonly isActive: boolean
  /** No attempt is left. */
  readonly isExhausted: boolean
  /** Attempts that wait long may be added. */
  readonly canExtend: boolean
  /** The path is not validated: no answer could come yet, as far as is known. */
  readonly isUnvalidated: boolean
  /** The exit was asked so recently that it may be asked once more. */
  readonly isEarly: boolean
  /** Exits that refused this request by policy before. */
  readonly refusals: number
  /** Which exits are left beside this one: some not tried, only such as were tried, none. */
  readonly others: 'untried' | 'tried' | 'none'
  readonly now: number
  readonly deadline: number
  /** Until when the exit wants to be left alone. */
  readonly busyUntil: number
}

export type Step =
  /** Another attempt may still be answered. */
  | { readonly kind: 'wait' }
  | { readonly kind: 'fail' }
  /** All attempts once more: none of them could have been answered. */
  | { readonly kind: 'start-over' }
  /** The same exit. `extend`: with attempts that wait long. */
  | { readonly kind: 'repeat', readonly extend: boolean }
  /** The exit has had its chance: to one of `others`, or to it again where there is none. */
  | { readonly kind: 'leave', readonly extend: boolean, readonly others: Facts['others'] }
  /** Waits until an exit is no longer busy. */
  | { readonly kind: 'pause', readonly until: number }
  /** Waits for room at this exit. */
  | { readonly kind: 'queue' }

const WAIT: Step = { kind: 'wait' }
const FAIL: Step = { kind: 'fail' }

/** What follows when an attempt has brought no page (section 6). Pure. */
export function nextStep (facts: Facts): Step {
  switch (facts.setback) {
    case 'silence':
    case 'unusable':
    case 'forgotten': return tryAgain(facts)
    case 'busy':
    case 'closed': return goElsewhere(facts)
    case 'policy': return facts.refusals < MAX_REFUSALS ? goElsewhere(facts) : stop(facts)
    case 'page': return stop(facts)
    case 'too-large': return FAIL
  }
}

function stop ({ isActive }: Facts): Step {
  return isActive ? WAIT : FAIL
}

function tryAgain ({ setback, purpose, idempotent, isActive, isExhausted, canExtend, isUnvalidated, isEarly, others }: Facts): Step {
  if (isActive) return WAIT
  if (isExhausted) {
    if (isUnvalidated) return { kind: 'start-over' }
    if (setback !== 'silence' || !canExtend) return FAIL
  }
  const extend = isExhausted
  const leaves = idempotent && purpose === 'pool' && (setback !== 'silence' || !isEarly)
  return leaves ? { kind: 'leave', extend, others } : { kind: 'repeat', extend }
}

/** The exit will not do it: another one, or waiting for this one, where the method allows it. */
function goElsewhere ({ setback, purpose, idempotent, isActive, isExhausted, others, now, deadline, busyUntil }: Facts): Step {
  if (isActive) return WAIT
  if (isExhausted || purpose === 'probe') return FAIL
  if (purpose === 'pool' && idempotent && others === 'untried') return { kind: 'leave', extend: false, others }
  if (setback !== 'busy' || busyUntil >= deadline) return FAIL
  return now < busyUntil ? { kind: 'pause', until: busyUntil } : { kind: 'queue' }
}
