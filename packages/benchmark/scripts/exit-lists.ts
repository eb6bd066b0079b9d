/**
 * What hostile publishers get: 1,000 exits, 10 publishers of whom 3 are hostile, and proxies with the real core of subscriptions and the
 * real strategies of the pool, for a month. Prints the table of docs/adr/0051-lists-without-a-centre.md.
 *
 * node --conditions=@minwww/source --import tsx packages/benchmark/scripts/exit-lists.ts [seed]
 */
import { LocalDestination } from '@minwww/i2cp/codec'
import { SeededRandom } from '@minwww/testkit'
import type { ExitDescriptor } from '@minwww/protocol'
import { ExitDirectory } from '../../minwww-client/src/lists/core/directory.ts'
import type { Verified } from '../../minwww-client/src/lists/core/verify.ts'
import { order, type Strategy } from '../../minwww-client/src/pool/strategies.ts'

const DAY = 86_400_000
const START = 1_790_000_000_000
const EXITS = 1_000
/** Of these, exits that spy. They answer, so honest publishers name them like all others. */
const SPIES = 50
/** Exits that spy and that only hostile publishers name. */
const SYBILS = 500
const PUBLISHERS = 10
const HOSTILE = 3
/** Share of the exits that an honest publisher knows. */
const KNOWN = 0.6
/** Share of the honest exits that end each day, while others begin. Spies stay. */
const CHURN = 0.02
const USERS = 40
const REQUESTS = 50 // of a user in a day, each to another site
const DAYS = [1, 7, 30]

/** 0 to below 1. */
const chance = (random: SeededRandom): number => random.below(1_000_000) / 1_000_000

const seed = Number(process.argv[2] ?? 1)
const { destination } = LocalDestination.generate(length => Buffer.alloc(length, 1))

interface Exit { b32: string, isHostile: boolean, endsOn: number }

interface Scenario {
  name: string
  agree: number
  strategy: Strategy
  /** All lists as one: what is drawn is drawn from all exits that anybody names. */
  asOne?: boolean
  /** The hostile publishers name the same sybils. */
  together: boolean
}

const SCENARIOS: Scenario[] = [
  { name: 'any list names, drawn from all, the fastest first', agree: 1, strategy: 'ranked', asOne: true, together: true },
  { name: 'any list names, drawn from all, spread', agree: 1, strategy: 'spread', asOne: true, together: true },
  { name: '1 of 10, lots by publisher, spread', agree: 1, strategy: 'spread', together: true },
  { name: '2 of 10, hostile each for himself', agree: 2, strategy: 'spread', together: false },
  { name: '2 of 10 (default), hostile together', agree: 2, strategy: 'spread', together: true },
  { name: '4 of 10, hostile together', agree: 4, strategy: 'spread', together: true }
]

/** Share of all requests that hostile exits get, day by day. */
function run (scenario: Scenario): number[] {
  const random = new SeededRandom(seed)
  let made = 0
  const create = (isHostile: boolean, on: number): Exit => {
    let endsOn = Infinity
    if (!isHostile) for (endsOn = on + 1; chance(random) >= CHURN;) endsOn++
    return { b32: `${(made++).toString().padStart(6, '0')}.b32.i2p`, isHostile, endsOn }
  }
  let exits = Array.from({ length: EXITS }, (_, n) => create(n < SPIES, 0))
  const sybils = Array.from({ length: HOSTILE }, () => Array.from({ length: SYBILS }, () => create(true, 0)))
  const all = new Map([...exits, ...sybils.flat()].map(exit => [exit.b32, exit]))
  const knows = Array.from({ length: PUBLISHERS }, () => new Map<string, boolean>())
  const users = Array.from({ length: USERS }, (_, user) => new User(scenario, user, random))
  const shares: number[] = []
  for (let day = 0; day < Math.max(...DAYS); day++) {
    exits = exits.map(exit => {
      if (exit.endsOn > day) return exit
      const next = create(false, day)
      all.set(next.b32, next)
      return next
    })
    const isThere = (b32: string): boolean => (all.get(b32)?.endsOn ?? 0) > day
    const lists = knows.map((known, publisher) => {
      if (publisher < HOSTILE) return [...exits.filter(({ isHostile }) => isHostile), ...sybils[scenario.together ? 0 : publisher]!]
      return exits.filter(({ b32 }) => {
        if (!known.has(b32)) known.set(b32, chance(random) < KNOWN)
        return known.get(b32)
      })
    })
    const now = START + day * DAY
    const said = new Map<string, Verified<ExitDescriptor>>()
    const named = lists.map(list => list.map(({ b32 }) => {
      const word = said.get(b32) ?? wordOf(b32, now)
      said.set(b32, word)
      return word
    }))
    const offered = scenario.asOne === true ? [[...new Map(named.flat().map(one => [one.statement.b32, one])).values()]] : named
    let hostile = 0
    for (const user of users) hostile += user.day(now, offered, isThere, b32 => all.get(b32)!.isHostile)
    shares.push(hostile / (USERS * REQUESTS))
  }
  return shares
}

class User {
  readonly #directory: ExitDirectory
  readonly #strategy: Strategy
  readonly #salt: string
  readonly #random: SeededRandom
  /** ms that each exit takes for this user. */
  readonly #times = new Map<string, number>()

  constructor ({ agree, strategy, asOne }: Scenario, user: number, random: SeededRandom) {
    this.#random = random
    this.#strategy = strategy
    this.#salt = `user ${user}`
    this.#directory = new ExitDirectory({ agree, random: bound => random.below(bound) })
    this.#directory.hold()
    for (let n = 0; n < (asOne === true ? 1 : PUBLISHERS); n++) this.#directory.subscribe(`http://p${n}.i2p/`, `p${n}`)
  }

  /** Reads the lists, uses its exits, and returns how many requests went to hostile ones. */
  day (now: number, lists: Array<Array<Verified<ExitDescriptor>>>, isThere: (b32: string) => boolean, isHostile: (b32: string) => boolean): number {
    const directory = this.#directory
    for (const [n, list] of lists.entries()) directory.update(now, `http://p${n}.i2p/`, `p${n}`, list)
    directory.release(now)
    for (const { b32, state } of [...directory.chosen.values()]) if (state === 'used' && !isThere(b32)) directory.silent(now, b32)
    directory.handleTimeout(now)
    for (let action = directory.pollAction(); action !== undefined; action = directory.pollAction()) {
      if (action.do !== 'ask') continue
      if (isThere(action.b32)) directory.checked(now, wordOf(action.b32, now))
      else directory.failed(now, action.b32)
    }
    const candidates = [...directory.chosen.values()].filter(({ state }) => state === 'used')
      .map(({ b32 }) => ({ id: b32, score: this.#timeTo(b32, isHostile(b32)), pending: 0, lastUsed: 0 }))
    let hostile = 0
    for (let request = 0; request < REQUESTS; request++) {
      const exit = order(this.#strategy, candidates, `site ${now} ${request}`, this.#salt)[0]
      if (exit !== undefined && isHostile(exit.id)) hostile++
    }
    return hostile
  }

  /** Who spies pays for a fast machine. */
  #timeTo (b32: string, isHostile: boolean): number {
    const known = this.#times.get(b32) ?? (isHostile ? 250 : 300 + 900 * chance(this.#random))
    this.#times.set(b32, known)
    return known
  }
}

function wordOf (b32: string, now: number): Verified<ExitDescriptor> {
  const date = now / 1_000
  return {
    statement: {
      kind: 'exit',
      b32,
      destination: '',
      date,
      expires: date + 7 * 86_400,
      versions: [1],
      web: true,
      methods: [],
      ports: [80],
      filters: [],
      pushes: false
    },
    destination,
    line: ''
  }
}

console.log(
  `seed ${seed}; ${EXITS} exits of which ${SPIES} spy, ${PUBLISHERS} publishers of whom ${HOSTILE} are hostile and name ${SYBILS} more; ` +
    `${USERS} users, ${REQUESTS} requests a day`
)
console.log(`| rule | ${DAYS.map(day => `day ${day}`).join(' | ')} |`)
console.log(`|---|${DAYS.map(() => '---|').join('')}`)
for (const scenario of SCENARIOS) {
  const shares = run(scenario)
  console.log(`| ${scenario.name} | ${DAYS.map(day => `${(shares[day - 1]! * 100).toFixed(1)} %`).join(' | ')} |`)
}
