import { EPOCH } from '@minwww/testkit'
import t from 'tap'
import { Egress, MAX_TRACKS } from '../src/core/egress.ts'

const KB = 1024
const MESSAGE = 2 * KB
const STEP = 50
const REPORT = 500
/** One way, ms. */
const DELAY = 150

/** What the clients of one step say, all of them. */
interface Said { queue?: number, came?: number, grant?: number, isSilent?: boolean, rate?: number }

/** An exit that sends to each client so much (KB/s), and clients that say what the test wants. */
class Scene {
  readonly egress = new Egress()
  now = EPOCH
  readonly #clients: Array<{ bucket: { rate: number }, received: number, owed: number, said: Said }>

  constructor (clients: readonly Said[]) {
    this.#clients = clients.map(said => ({ bucket: { rate: 0 }, received: 1, owed: 0, said }))
  }

  /** From now on they say this. */
  say (...said: readonly Said[]): this {
    for (const [index, client] of this.#clients.entries()) client.said = { ...client.said, ...(said[index] ?? said.at(-1)) }
    return this
  }

  /** Returns the limit at the end, KB/s. */
  run (ms: number): number {
    for (const end = this.now + ms; this.now < end; this.now += STEP) {
      if ((this.egress.nextTimeout() ?? Infinity) <= this.now) this.egress.handleTimeout(this.now)
      for (const client of this.#clients) {
        const { rate = 40, came = 1, queue = 0, grant = 1_000, isSilent } = client.said
        client.bucket.rate = grant * KB
        client.owed += Math.min(rate, this.egress.limit / KB / this.#clients.length) * KB * STEP / 1000
        for (; client.owed >= MESSAGE; client.owed -= MESSAGE) {
          this.egress.sent(this.now, client, MESSAGE)
          client.received += 2 * came
        }
        if (isSilent === true || (this.now - EPOCH) % REPORT !== 0) continue
        const time = this.now - 2 * DELAY - queue & 0xffff
        this.egress.reported(this.now, client, { time, queue, received: Math.floor(client.received) })
      }
    }
    return this.limit
  }

  get limit (): number { return this.egress.limit / KB }
}

const all = (count: number, said: Said): Said[] => Array.from({ length: count }, () => said)
const near = (value: number, wanted: number, share = 0.1): boolean => Math.abs(value / wanted - 1) <= share
/** Runs until there is a limit, and returns the first one. */
function first (scene: Scene, most = 4_000): number {
  for (let ms = 0; ms < most && scene.limit === Infinity; ms += STEP) scene.run(STEP)
  return scene.limit
}

t.test('who sees a queue, and how many must', async t => {
  const queue = { queue: 400 }
  const table: Array<[name: string, said: Said[], isLimited: boolean]> = [
    ['nobody', all(3, {}), false],
    ['one alone', [queue], false],
    ['one of two', [queue, {}], false],
    ['both', [queue, queue], true],
    ['two of three', [queue, queue, {}], true],
    ['one of three', [queue, {}, {}], false],
    ['two of six', [...all(4, {}), queue, queue], false],
    ['two, of three that are busy', [queue, queue, { isSilent: true }], true],
    ['two, of four that are busy', [queue, queue, ...all(2, { isSilent: true })], false],
    ['three, of six that are busy', [...all(3, queue), ...all(3, { isSilent: true })], true],
    ['three, of seven that are busy: who speaks has less than half', [...all(3, queue), ...all(4, { isSilent: true })], false],
    ['two, and many that are sent little', [queue, queue, ...all(4, { isSilent: true, rate: 5 })], true],
    ['loss without a queue', all(3, { came: 0.5 }), false],
    ['a queue that may be chance', all(3, { queue: 60 }), false]
  ]
  for (const [name, said, isLimited] of table) {
    const scene = new Scene(said.map(one => ({ ...one, isSilent: true })))
    scene.run(4_000)
    t.equal(first(scene.say(...said.map(one => ({ isSilent: false, ...one })))) !== Infinity, isLimited, name)
  }
})

t.test('a limit begins with what comes through', async t => {
  const begin = (said: Said): number => first(new Scene(all(2, said)))
  t.ok(near(begin({ queue: 400 }), 80), 'all of it')
  t.ok(near(begin({ queue: 400, came: 0.5 }), 40, 0.2), 'half of it')
  t.ok(near(begin({ queue: 400, rate: 20 }), 40))
  t.ok(begin({ queue: 400, rate: 9 }) >= 8, 'and is never too small to speak of')
})

t.test('a queue that stays makes the limit lower, step by step', async t => {
  const scene = new Scene(all(2, { queue: 400 }))
  const begun = first(scene)
  t.ok(scene.run(3_000) < 0.9 * begun)
  t.ok(scene.run(60_000) < 0.3 * begun)
  t.equal(Math.round(scene.run(120_000)), 8, 'not without end')
})

t.test('where no queue is left the limit rises until it holds nobody back, and ends', async t => {
  const scene = new Scene(all(2, { queue: 400 }))
  const begun = first(scene)
  scene.run(2_000)
  scene.say({ queue: 0 })
  t.ok(scene.run(6_000) > begun)
  t.equal(scene.run(30_000), Infinity)
})

t.test('who is sent all that he grants needs no higher limit: it ends without a rise', async t => {
  const scene = new Scene(all(2, { queue: 400 }))
  const begun = first(scene)
  scene.say({ queue: 0, grant: 30 })
  let most = 0
  for (let ms = 0; ms < 20_000 && scene.limit !== Infinity; ms += STEP) most = Math.max(most, scene.run(STEP) === Infinity ? 0 : scene.limit)
  t.equal(scene.limit, Infinity)
  t.ok(most <= begun)
})

t.test('where queues stay without a limit, they are the clients\' own: the next try is later each time', async t => {
  const scene = new Scene(all(2, { queue: 400 }))
  const begins: number[] = []
  let wasLimited = false
  while (scene.now < EPOCH + 200_000 && begins.length < 4) {
    scene.run(STEP)
    const isLimited = scene.limit !== Infinity
    if (isLimited && !wasLimited) {
      begins.push(scene.now)
      scene.say({ grant: 1 })
    }
    if (!isLimited && wasLimited) scene.say({ grant: 1_000 })
    wasLimited = isLimited
  }
  const between = begins.slice(1).map((at, i) => at - begins[i]!)
  t.equal(between.length, 3, `${between.join(', ')}`)
  t.ok(between[0]! > 10_000 && between[1]! > between[0]! + 8_000 && between[2]! > between[1]! + 16_000, `${between.join(', ')} ms`)
})

t.test('nobody speaks of a queue any more: what should have said so was dropped there', async t => {
  const scene = new Scene(all(2, { queue: 400 }))
  const begun = first(scene)
  scene.say({ isSilent: true })
  scene.run(2_000)
  t.equal(scene.limit, begun, 'not yet')
  t.ok(near(scene.run(1_500), 0.7 * begun, 0.01))
  t.ok(near(scene.run(2_000), 0.49 * begun, 0.01))
  t.equal(scene.run(10_000), Infinity, 'and then it is forgotten')
  t.equal(scene.egress.nextTimeout(), undefined)
})

t.test('nobody sends any more: the limit stays for those who come back, and rises, and ends', async t => {
  const scene = new Scene(all(2, { queue: 400 }))
  const begun = first(scene)
  scene.say({ rate: 0, isSilent: true })
  t.equal(scene.run(2_900), begun)
  t.ok(near(scene.run(3_200), begun * 1.25 ** 3, 0.3), `${scene.limit} of ${begun}`)
  t.equal(scene.run(8_000), Infinity)
})

t.test('sessions that ended make room for those that are watched', async t => {
  const egress = new Egress()
  const session = (): { bucket: { rate: number } } => ({ bucket: { rate: 1_000 * KB } })
  for (let i = 0; i < MAX_TRACKS; i++) egress.sent(EPOCH, session(), KB)
  const late = [session(), session()]
  const limitAfter = (from: number): number => {
    for (let ms = from; ms < from + 4_000; ms += STEP) {
      for (const one of late) {
        egress.sent(EPOCH + ms, one, MESSAGE)
        if (ms % REPORT === 0) egress.reported(EPOCH + ms, one, { time: EPOCH + ms - 700 & 0xffff, queue: 400, received: ms / STEP * 2 + 1 })
      }
    }
    return egress.limit
  }
  t.equal(limitAfter(1_000), Infinity, 'they are not watched while the others may come back')
  t.not(limitAfter(12_000), Infinity)
})
