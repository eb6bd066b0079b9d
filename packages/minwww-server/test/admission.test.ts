import t from 'tap'
import { Admission, DEFAULT_ADMISSION, type AdmissionLimits } from '../src/limits/core/admission.ts'
import { RateRules } from '../src/limits/core/rate-rules.ts'

t.test('admission: rates, POSTs, new clients, cool-down, bounded memory', t => {
  const limits = {
    requestsPerClient: [{ count: 3, window: 60_000 }],
    requestsTotal: [{ count: 100, window: 60_000 }],
    postsPerClient: [{ count: 1, window: 300_000 }],
    postsTotal: [],
    newClients: [{ count: 5, window: 60_000 }],
    maxRefusals: 2,
    coolDownWindow: 60_000,
    coolDown: 600_000,
    maxClients: 6
  }
  const admission = new Admission(limits, 0)
  for (let index = 0; index < 3; index++) t.equal(admission.admit(0, 'a', true), undefined)
  t.strictSame(admission.admit(0, 'a', true), { cause: 'requests-client', retryAfter: 20 })
  t.equal(admission.admit(19_999, 'a', true)?.cause, 'requests-client')
  t.equal(admission.admit(20_000, 'a', true), undefined)
  t.equal(admission.admit(20_000, 'b', false), undefined)
  t.strictSame(admission.admit(20_000, 'b', false), { cause: 'posts-client', retryAfter: 300 })
  t.equal(admission.admit(20_000, 'b', true), undefined, 'a GET is no POST')
  t.equal(admission.admit(20_001, 'a', true)?.cause, 'requests-client')
  t.equal(admission.admit(20_002, 'a', true)?.cause, 'cool-down', 'one refusal too many')
  t.strictSame(admission.admit(60_000, 'a', true), { cause: 'cool-down', retryAfter: 561 })
  t.equal(admission.admit(620_003, 'a', true), undefined, 'after the cool-down')
  const fresh = new Admission(limits, 0)
  for (const name of ['c', 'd', 'e', 'f', 'g']) t.equal(fresh.admit(0, name, true), undefined)
  t.strictSame(fresh.admit(0, 'h', true), { cause: 'new-clients', retryAfter: 12 })
  t.equal(fresh.admit(0, 'c', true), undefined, 'who is known is not new')
  for (let index = 0; index < 100; index++) fresh.admit(100_000 * (index + 1), `flood ${index}`, true)
  t.equal(fresh.clients, 6)
  const paid = new Admission({ bytesPerClient: 1_000, burstPerClient: 10_000 }, 0)
  t.equal(paid.admit(0, 'a', true), undefined)
  paid.spend(0, 'a', 15_000)
  t.strictSame(paid.admit(0, 'a', true), { cause: 'bytes-client', retryAfter: 6 })
  t.equal(paid.admit(5_002, 'a', true), undefined)
  t.end()
})

const NONE: AdmissionLimits = {
  requestsPerClient: [],
  requestsTotal: [],
  postsPerClient: [],
  postsTotal: [],
  newClients: [],
  bytesPerClient: 0,
  burstPerClient: 0,
  maxRefusals: 0,
  coolDownWindow: 60_000,
  coolDown: 600_000,
  maxClients: 100
}
const TWO = [{ count: 2, window: 60_000 }]

t.test('the rules that hold when nothing is said', async t => {
  t.strictSame(DEFAULT_ADMISSION, {
    requestsPerClient: [{ count: 3_000, window: 60_000 }, { count: 30_000, window: 3_600_000 }, { count: 200_000, window: 86_400_000 }],
    requestsTotal: [{ count: 12_000, window: 60_000 }],
    postsPerClient: [{ count: 120, window: 300_000 }],
    postsTotal: [{ count: 1_200, window: 300_000 }],
    newClients: [{ count: 240, window: 60_000 }],
    bytesPerClient: 0,
    burstPerClient: 1_048_576,
    maxRefusals: 60,
    coolDownWindow: 60_000,
    coolDown: 600_000,
    maxClients: 10_000
  })
  t.equal(new Admission({}, 0).maxClients, 10_000)
  t.equal(new Admission({ maxClients: 3 }, 0).maxClients, 3)
})

t.test('each rule refuses by its own cause what is one too many, and admits after its time', async t => {
  const rules: Array<[rule: Partial<AdmissionLimits>, isSafe: boolean, cause: string, whom: string]> = [
    [{ requestsPerClient: TWO }, true, 'requests-client', 'a'],
    [{ requestsPerClient: TWO }, false, 'requests-client', 'a'],
    [{ requestsTotal: TWO }, true, 'requests-total', 'b'],
    [{ postsPerClient: TWO }, false, 'posts-client', 'a'],
    [{ postsTotal: TWO }, false, 'posts-total', 'b'],
    [{ newClients: TWO.map(rule => ({ ...rule, count: 1 })) }, true, 'new-clients', 'b']
  ]
  for (const [rule, isSafe, cause, whom] of rules) {
    const admission = new Admission({ ...NONE, ...rule }, 0)
    t.equal(admission.admit(0, 'a', isSafe), undefined)
    t.equal(admission.admit(0, 'a', isSafe), undefined)
    const refused = admission.admit(0, whom, isSafe)
    t.equal(refused?.cause, cause)
    t.equal(admission.admit(refused!.retryAfter * 1_000 - 2, whom, isSafe)?.cause, cause, 'a moment too early')
    t.equal(admission.admit(refused!.retryAfter * 1_000 + 1, whom, isSafe), undefined)
  }
})

t.test('a refusal costs nothing of the other rules; the longest wait is told', async t => {
  const admission = new Admission({ ...NONE, requestsTotal: TWO, postsPerClient: [{ count: 1, window: 600_000 }] }, 0)
  t.equal(admission.admit(0, 'a', false), undefined)
  for (let index = 0; index < 5; index++) t.strictSame(admission.admit(0, 'a', false), { cause: 'posts-client', retryAfter: 600 })
  t.equal(admission.admit(0, 'b', true), undefined, 'the total has one left')
  t.strictSame(admission.admit(0, 'a', false), { cause: 'posts-client', retryAfter: 600 }, 'both refuse: the later one')
  t.strictSame(admission.admit(0, 'c', true), { cause: 'requests-total', retryAfter: 30 })
})

t.test('reading costs no posts; of two equal waits the client\'s own is told, which is its fault', async t => {
  const admission = new Admission({ ...NONE, postsPerClient: TWO, postsTotal: TWO }, 0)
  for (let index = 0; index < 5; index++) t.equal(admission.admit(0, 'a', true), undefined)
  for (let index = 0; index < 2; index++) t.equal(admission.admit(0, 'a', false), undefined)
  t.equal(admission.admit(0, 'a', false)?.cause, 'posts-client')
  const both = new Admission({ ...NONE, requestsPerClient: TWO, requestsTotal: TWO }, 0)
  for (let index = 0; index < 2; index++) both.admit(0, 'a', true)
  t.equal(both.admit(0, 'a', true)?.cause, 'requests-client')
})

t.test('who is refused too often pauses; what the exit as a whole cannot do is nobody\'s fault', async t => {
  const own = new Admission({ ...NONE, requestsPerClient: TWO, maxRefusals: 1, coolDown: 5_000 }, 0)
  own.admit(0, 'a', true)
  own.admit(0, 'a', true)
  t.equal(own.admit(0, 'a', true)?.cause, 'requests-client')
  t.equal(own.admit(0, 'a', true)?.cause, 'requests-client', 'the refusal that is one too many is told with its cause')
  t.strictSame(own.admit(1, 'a', true), { cause: 'cool-down', retryAfter: 5 })
  t.strictSame(own.admit(4_999, 'a', true), { cause: 'cool-down', retryAfter: 1 })
  t.equal(own.admit(5_000, 'a', true)?.cause, 'requests-client', 'the pause is over; its rule still holds')
  for (const [rule, isSafe] of [[{ requestsTotal: TWO }, true], [{ postsTotal: TWO }, false]] as const) {
    const all = new Admission({ ...NONE, ...rule, maxRefusals: 1 }, 0)
    const causes = Array.from({ length: 8 }, () => all.admit(0, 'a', isSafe)?.cause)
    t.notOk(causes.includes('cool-down'), String(causes))
  }
  const never = new Admission({ ...NONE, requestsPerClient: TWO, maxRefusals: 0 }, 0)
  const causes = Array.from({ length: 20 }, () => never.admit(0, 'a', true)?.cause)
  t.notOk(causes.includes('cool-down'), 'no limit of refusals, no pause')
})

t.test('bytes: after the fact, of who is known, none without a rate', async t => {
  const free = new Admission({ ...NONE, burstPerClient: 1 }, 0)
  t.equal(free.admit(0, 'a', true), undefined)
  free.spend(0, 'a', 1e12)
  t.equal(free.admit(0, 'a', true), undefined)
  const paid = new Admission({ ...NONE, bytesPerClient: 1_000, burstPerClient: 1_000 }, 0)
  paid.spend(0, 'a', 1e12)
  t.equal(paid.admit(0, 'a', true), undefined, 'nobody was there yet')
  paid.spend(0, 'a', 999)
  t.equal(paid.admit(0, 'a', true), undefined, 'one is left')
  paid.spend(0, 'a', 1)
  t.strictSame(paid.admit(0, 'a', false), { cause: 'bytes-client', retryAfter: 1 })
})

t.test('the client not seen for longest is forgotten', async t => {
  const admission = new Admission({ ...NONE, requestsPerClient: [{ count: 1, window: 1e9 }], maxClients: 2 }, 0)
  for (const [name, cause] of [
    ['a', undefined], ['b', undefined], ['a', 'requests-client'], ['c', undefined], ['a', 'requests-client'], ['b', undefined]
  ] as const) t.equal(admission.admit(0, name, true)?.cause, cause, name)
  t.equal(admission.clients, 2)
})

t.test('other limits begin anew, the same ones do not; a pause goes on', async t => {
  const rules: AdmissionLimits = {
    ...NONE,
    requestsPerClient: TWO,
    requestsTotal: [{ count: 4, window: 60_000 }],
    postsTotal: [{ count: 3, window: 60_000 }],
    newClients: TWO,
    maxRefusals: 1
  }
  const admission = new Admission(rules, 0)
  for (let turn = 0; turn < 2; turn++) t.equal(admission.admit(0, 'a', false), undefined)
  admission.setLimits({ ...rules, newClients: [{ count: 2, window: 60_000 }] }, 0)
  t.equal(admission.admit(0, 'a', true)?.cause, 'requests-client', 'the same limits: nothing begins anew')
  admission.admit(0, 'a', true)
  t.equal(admission.admit(0, 'a', true)?.cause, 'cool-down')
  t.equal(admission.admit(0, 'b', false), undefined)
  t.equal(admission.admit(0, 'b', false)?.cause, 'posts-total')
  t.equal(admission.admit(0, 'c', true)?.cause, 'new-clients')
  admission.setLimits({ ...rules, maxClients: 50 }, 0)
  t.equal(admission.maxClients, 50)
  t.equal(admission.admit(0, 'a', true)?.cause, 'cool-down', 'still')
  t.equal(admission.admit(0, 'b', false), undefined, 'of posts')
  t.equal(admission.admit(0, 'c', true), undefined, 'of new clients')
  t.equal(admission.admit(0, 'c', true), undefined, 'of all')
  t.equal(admission.admit(0, 'b', true), undefined)
  t.strictSame(admission.admit(0, 'd', true), { cause: 'requests-total', retryAfter: 15 })
})

t.test('the longest wait of several rules; a count of 0 is none', async t => {
  const rules = new RateRules([{ count: 2, window: 2_000 }, { count: 3, window: 60_000 }, { count: 0, window: 1 }], 0)
  const wait = (now: number) => Math.round(rules.wait(now))
  const waits = Array.from({ length: 4 }, (_, index) => {
    const before = wait(0)
    if (index < 3) rules.take(0)
    return before
  })
  t.strictSame(waits, [0, 0, 1_000, 20_000])
  t.equal(wait(15_000), 5_000)
  t.equal(new RateRules([{ count: 0, window: 1 }], 0).wait(0), 0)
})
