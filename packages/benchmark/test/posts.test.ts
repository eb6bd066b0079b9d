import fc from 'fast-check'
import t from 'tap'
import { seedOf } from '@minwww/testkit'
import { runPosts, type PostsPlan } from '../src/grid/index.ts'
import { ChaosNetwork } from './grid-chaos.ts'

const RUNS = 60
const PATH = { latency: 250, jitter: 20, tunnelLifetime: 86_400_000 }

/** What a POST must never be, whatever happened. */
function check ({ twice, wrong, silent }: ReturnType<typeof runPosts>): void {
  if (twice > 0) throw new Error(`${twice} were carried out twice`)
  if (wrong > 0) throw new Error(`${wrong} were carried out, and the client was told otherwise`)
  if (silent > 0) throw new Error(`${silent} had neither an answer nor an error`)
}

const chaos = fc.record({
  loss: fc.double({ min: 0, max: 0.5, noNaN: true }),
  duplicate: fc.double({ min: 0, max: 0.5, noNaN: true }),
  delay: fc.integer({ min: 0, max: 3_000 }),
  corrupt: fc.double({ min: 0, max: 0.1, noNaN: true }),
  replay: fc.double({ min: 0, max: 0.5, noNaN: true })
})

const life = fc.option(
  fc.record({ mean: fc.integer({ min: 200, max: 30_000 }), down: fc.integer({ min: 0, max: 30_000 }) }), { nil: undefined }
)

const plans = fc.record({
  seed: fc.integer(),
  count: fc.integer({ min: 1, max: 12 }),
  exits: fc.integer({ min: 1, max: 3 }),
  every: fc.integer({ min: 1, max: 4_000 }),
  cancelled: fc.constantFrom(0, 0, 0.3),
  siteTime: fc.constantFrom(0, 100, 2_000, 20_000),
  bodyLimit: fc.constantFrom(10, 3_000, 30_000, 120_000)
})

t.test('never twice: replays, restarts, lost sessions, cancels, every pattern of losses', { timeout: 200_000 }, async t => {
  let [answered, carriedOut, kills] = [0, 0, 0]
  const property = fc.property(plans, chaos, life, fc.boolean(), ({ bodyLimit, ...plan }, options, life, losesSessions) => {
    const result = runPosts({
      ...plan,
      network: {},
      carrier: random => new ChaosNetwork(random, options, () => {}),
      bodies: random => random.number() * bodyLimit,
      ...(life !== undefined && { life }),
      ...(losesSessions && { sessionLife: 10_000 })
    })
    check(result)
    answered += result.answered
    carriedOut += result.carriedOut
    kills += result.kills
  })
  fc.assert(property, { numRuns: RUNS, seed: seedOf(t, 7) })
  t.comment(`${answered} answered, ${carriedOut} carried out, ${kills} kills`)
  t.ok(answered > RUNS && carriedOut >= answered && kills > RUNS, 'they were not all lost')
})

t.test('at 5 % loss nearly all are answered; where exits are killed each client is told what is known', { timeout: 120_000 }, async t => {
  const plan: PostsPlan = { seed: seedOf(t, 3), count: 600, exits: 3, every: 200, network: { ...PATH, loss: 0.05 } }
  const calm = runPosts(plan)
  check(calm)
  t.ok(calm.answered >= 0.995 * calm.asked, `${calm.answered} of ${calm.asked}`)
  const wild = runPosts({
    ...plan, network: { ...plan.network, duplicate: 0.05 }, life: { mean: 20_000, down: 15_000 }, cancelled: 0.03, sessionLife: 60_000
  })
  check(wild)
  t.ok(wild.kills > 10 && wild.answered > 0.8 * wild.asked, `${wild.answered} of ${wild.asked}, ${wild.kills} kills`)
})

t.test('a POST of 1 KB and one of 60 KB take one round trip and the time of their transfer', async t => {
  for (const [bytes, most] of [[1_024, 540], [61_440, 900]] as const) {
    const { times, answered } = runPosts({
      seed: 1, count: 40, exits: 1, every: 5_000, network: { latency: 250, tunnelLifetime: 86_400_000 }, bodies: () => bytes, siteTime: 0
    })
    t.equal(answered, 40)
    const median = times[20]!
    t.comment(`${bytes} bytes: p50 ${Math.round(median)} ms at a round trip of 500 ms`)
    t.ok(median <= most)
  }
})
