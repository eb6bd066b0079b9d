import t from 'tap'
import { RetryBudget } from '../src/core/retry-budget.ts'
import { nextStep, SETBACKS } from '../src/core/retry-policy.ts'
import type { Facts, Setback, Step } from '../src/core/retry-policy.ts'

/** A page of the pool, at its first exit; others are there. */
const FACTS: Facts = {
  setback: 'silence',
  purpose: 'pool',
  idempotent: true,
  isActive: false,
  isExhausted: false,
  canExtend: true,
  isUnvalidated: false,
  isEarly: false,
  refusals: 0,
  others: 'untried',
  now: 1_000,
  deadline: 60_000,
  busyUntil: Number.NEGATIVE_INFINITY
}
const WAIT: Step = { kind: 'wait' }
const FAIL: Step = { kind: 'fail' }
const QUEUE: Step = { kind: 'queue' }
const START_OVER: Step = { kind: 'start-over' }
const repeat = (extend = false): Step => ({ kind: 'repeat', extend })
const leave = (others: Facts['others'] = 'untried', extend = false): Step => ({ kind: 'leave', extend, others })

type Row = [what: string, setback: Setback, facts: Partial<Facts>, step: Step]

const ROWS: Row[] = [
  ['another attempt may still be answered', 'silence', { isActive: true }, WAIT],
  ['even if no attempt is left', 'silence', { isActive: true, isExhausted: true }, WAIT],
  ['silence: to the next exit', 'silence', {}, leave()],
  ['all were tried: once more', 'silence', { others: 'tried' }, leave('tried')],
  ['there is no other: the same again', 'silence', { others: 'none' }, leave('none')],
  ['a quick exit is asked twice first', 'silence', { isEarly: true }, repeat()],
  ['rubbish is not worth a second time', 'unusable', { isEarly: true }, leave()],
  ['one exit only', 'silence', { purpose: 'direct' }, repeat()],
  ['a probe too', 'silence', { purpose: 'probe' }, repeat()],
  ['what must not be fetched twice stays where it was sent', 'silence', { idempotent: false }, repeat()],

  ['no attempt is left: those that wait long follow', 'silence', { isExhausted: true }, leave('untried', true)],
  ['at the same exit', 'silence', { isExhausted: true, purpose: 'direct' }, repeat(true)],
  ['until these are used up too', 'silence', { isExhausted: true, canExtend: false }, FAIL],
  ['rubbish does not get better by waiting', 'unusable', { isExhausted: true }, FAIL],
  ['no answer could come to any of them', 'silence', { isExhausted: true, isUnvalidated: true }, START_OVER],
  ['nor for a probe', 'silence', { isExhausted: true, isUnvalidated: true, purpose: 'probe', canExtend: false }, START_OVER],
  ['what must not be fetched twice starts over with its token', 'silence',
    { isExhausted: true, isUnvalidated: true, idempotent: false, canExtend: false }, START_OVER],
  ['attempts are left: no reason to start over', 'silence', { isUnvalidated: true }, leave()],

  ['the exit has forgotten it', 'forgotten', {}, leave()],
  ['if it has acted on it, it knows the token', 'forgotten', { idempotent: false }, repeat()],

  ['busy: to the next exit', 'busy', {}, leave()],
  ['no other: waits until it has time', 'busy', { others: 'none', busyUntil: 5_000 }, { kind: 'pause', until: 5_000 }],
  ['those tried before are not asked', 'busy', { others: 'tried', busyUntil: 5_000 }, { kind: 'pause', until: 5_000 }],
  ['full only: waits for room', 'busy', { others: 'none' }, QUEUE],
  ['its time is over', 'busy', { others: 'none', busyUntil: 1_000 }, QUEUE],
  ['busy for longer than the request may wait', 'busy', { others: 'none', busyUntil: 60_000 }, FAIL],
  ['nothing was done, so that a POST may wait', 'busy', { idempotent: false, busyUntil: 5_000 }, { kind: 'pause', until: 5_000 }],
  ['a probe does not', 'busy', { purpose: 'probe', busyUntil: 5_000 }, FAIL],
  ['a site of its own', 'busy', { purpose: 'direct', busyUntil: 5_000 }, { kind: 'pause', until: 5_000 }],
  ['no attempt is left', 'busy', { isExhausted: true }, FAIL],
  ['another attempt goes on', 'busy', { isActive: true, isExhausted: true }, WAIT],

  ['the exit drains, or is gone', 'closed', {}, leave()],
  ['and there is no other', 'closed', { others: 'tried' }, FAIL],
  ['a site of its own', 'closed', { purpose: 'direct' }, FAIL],
  ['what must not be fetched twice', 'closed', { idempotent: false }, FAIL],

  ['refused by policy: two others are asked', 'policy', { refusals: 1 }, leave()],
  ['and no more', 'policy', { refusals: 2 }, FAIL],
  ['unless one is asked already', 'policy', { refusals: 2, isActive: true }, WAIT],

  ['the page itself fails', 'page', {}, FAIL],
  ['another exit may have it', 'page', { isActive: true }, WAIT],
  ['too large for every exit', 'too-large', { isActive: true }, FAIL]
]

for (const [what, setback, facts, step] of ROWS) {
  t.strictSame(nextStep({ ...FACTS, ...facts, setback }), step, `${setback}: ${what}`)
}

t.test('what each failure is to the attempt', async t => {
  const codesBy = (step: Step, facts: Partial<Facts>): string[] => Object.entries(SETBACKS)
    .filter(([, setback]) => JSON.stringify(nextStep({ ...FACTS, ...facts, setback })) === JSON.stringify(step))
    .map(([code]) => code).sort()
  t.strictSame(
    codesBy(FAIL, {}),
    [
      'bad-request',
      'connect-failed',
      'not-resolved',
      'outcome-unknown',
      'overloaded',
      'request-too-large',
      'too-large',
      'upstream-malformed',
      'upstream-timeout'
    ],
    'no other exit would do better'
  )
  t.strictSame(codesBy(FAIL, { isActive: true }), ['too-large'])
  t.strictSame(codesBy(repeat(), { isEarly: true }), ['silent', 'timeout', 'unanswered'])
  t.strictSame(codesBy(repeat(), { idempotent: false }), ['bad-response', 'silent', 'timeout', 'unanswered', 'unknown-id'])
  t.strictSame(codesBy(leave('none'), { others: 'none' }), ['bad-response', 'silent', 'timeout', 'unanswered', 'unknown-id'])
  t.strictSame(codesBy(QUEUE, { others: 'none' }), ['busy'])
  const others = ['bad-response', 'busy', 'draining', 'no-exit', 'silent', 'timeout', 'unanswered', 'unknown-id']
  t.strictSame(codesBy(leave(), { refusals: 2 }), others, 'policy not any more')
  t.strictSame(codesBy(leave(), { refusals: 1 }).filter(code => code === 'policy'), ['policy'])
})

t.test('however long the deadline, a dead path is not waited for longer than routers keep it', async t => {
  const budget = new RetryBudget(3)
  const waits = (): number[] => Array.from({ length: 3 }, () => {
    budget.spend()
    return budget.longWait(600_000)
  })
  // Once 95 s: of twenty objects over i2pd's paths the last one took two minutes, and its exit was well.
  t.strictSame(waits(), [10_000, 30_000, 60_000])
  budget.extend()
  t.strictSame(waits(), [10_000, 30_000, 60_000])
  budget.extend()
  t.strictSame(waits(), [10_000, 30_000, 600_000], 'after the very last one nothing follows')
})

t.test('the budget of a request: attempts, refunds, and two extensions that wait long', async t => {
  const budget = new RetryBudget(4)
  const waits: number[] = []
  const spendAll = (): void => {
    while (!budget.isExhausted) {
      budget.spend()
      waits.push(budget.longWait(1))
    }
  }
  spendAll()
  t.equal(budget.spent, 4)
  t.strictSame(waits.splice(0), [0, 1 / 6, 1 / 2, 1], 'the last ones wait long')
  budget.refund()
  spendAll()
  t.equal(budget.spent, 5)
  t.strictSame(waits.splice(0), [1])
  t.equal(budget.isExtended, false)
  for (const extension of [1, 2]) {
    t.equal(budget.canExtend, true, String(extension))
    budget.extend()
    spendAll()
    t.strictSame(waits.splice(0), [1 / 6, 1 / 2, 1].slice(-3))
  }
  t.strictSame([budget.isExtended, budget.canExtend, budget.spent], [true, false, 11])
  budget.reset()
  spendAll()
  t.equal(budget.spent, 15, 'all attempts once more')
})
