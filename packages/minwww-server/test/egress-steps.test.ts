import { EPOCH } from '@minwww/testkit'
import t from 'tap'
import { Egress, MAX_TRACKS } from '../src/core/egress.ts'

const KB = 1024
const MESSAGE = 2 * KB
const STEP = 50
const REPORT = 500
/** One way, ms. */
const DELAY = 150

/** What the clients of one step say, all of them; `grows`: ms a second. */
interface Said { queue?: number, came?: number, grant?: number, isSilent?: boolean, rate?: number, grows?: number, isSecond?: boolean }

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
        const { rate = 40, came = 1, grant = 1_000, isSilent, isSecond = false, grows = 0 } = client.said
        const queue = (client.said.queue ?? 0) + Math.floor((this.now - EPOCH) * grows / 1000)
        client.bucket.rate = grant * KB
        client.owed += Math.min(rate, this.egress.limit / KB / this.#clients.length) * KB * STEP / 1000
        for (; client.owed >= MESSAGE; client.owed -= MESSAGE) {
          this.egress.sent(this.now, client, MESSAGE)
          client.received += 2 * came
        }
        if (isSilent === true || (this.now - EPOCH) % REPORT !== 0) continue
        const time = this.now - 2 * DELAY - queue & 0xffff
        this.egress.reported(this.now, client, { time, queue, received: Math.floor(client.received), flags: isSecond ? 1 : 0 })
      }
    }
    return this.limit
  }

  get limit (): number { return this.egress.limit / KB }

  /** The limits that follow each other in a time, each as a part of the one before. */
  changes (ms: number): number[] {
    const all = [this.limit]
    for (const end = this.now + ms; this.now < end;) if (this.run(STEP) !== all.at(-1)) all.push(this.limit)
    return all.slice(1).map((limit, i) => limit / all[i]!)
  }
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
    ['two sessions of one client', [queue, { ...queue, isSecond: true }], false],
    ['two clients, one of two sessions', [queue, queue, { ...queue, isSecond: true }], true],
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

t.test('where the queue grows as it begins, less comes through than was sent', async t => {
  const begin = (grows: number): number => first(new Scene(all(2, { queue: 400, grows })))
  t.ok(near(begin(250), 0.75 * begin(0), 0.05), 'what leaves in 375 ms takes 500 to come')
})

t.test('a queue is emptied in half as long again as a reading of it takes to come', async t => {
  const step = (queue: number): number => {
    const scene = new Scene(all(2, { queue }))
    first(scene, 9_000)
    return scene.changes(9_000)[0]!
  }
  const [queue, noise, reading] = [250, 110, 1_050]
  t.ok(near(step(queue), 1 - (queue + noise) / (1.5 * reading), 0.02), `${step(queue)}`)
  t.ok(near(step(3_000), 0.7, 0.02), 'but seven tenths of what comes are sent at least')
})

t.test('a short queue is kept, and emptied every eight seconds', async t => {
  const scene = new Scene(all(2, { queue: 400 }))
  first(scene)
  scene.say({ queue: 45 })
  scene.run(2_000)
  const steps = scene.changes(30_000)
  const dips = steps.filter(step => step < 0.97).length
  t.ok(dips >= 2 && dips <= 5, `${dips} dips: ${steps.map(step => step.toFixed(2)).join(' ')}`)
  t.ok(steps.every(step => step < 1.25), 'and rises slowly meanwhile')
})

t.test('after a queue without loss the limit is tried in larger and larger steps, after one with loss at once', async t => {
  const rises = (came: number): number[] => {
    const scene = new Scene(all(2, { queue: 400, came, rate: 400 }))
    first(scene)
    scene.run(2_500)
    scene.say({ queue: 0, came: 1 })
    return scene.changes(20_000).filter(step => step > 1.01 && step < Infinity)
  }
  const [back, ...careful] = rises(1)
  t.ok(back! < 1.5, 'what it was before')
  t.strictSame(careful.slice(0, 4).map(step => Math.round(step * 100) / 100), [1.03, 1.06, 1.12, 1.25])
  const bold = rises(0.5)
  t.ok(bold.some(step => near(step, 1.5, 0.01)) && !bold.some(step => near(step, 1.03, 0.005)), bold.join(', '))
})

t.test('a limit that holds nobody back stays for ten readings', async t => {
  const scene = new Scene(all(2, { queue: 400 }))
  first(scene)
  scene.say({ grant: 30, queue: 400 })
  scene.run(4_000)
  t.not(scene.limit, Infinity)
  scene.run(8_000)
  t.equal(scene.limit, Infinity)
})

t.test('it is looked at once in a second, however often it could be', async t => {
  const scene = new Scene(all(2, { queue: 400 }))
  first(scene)
  const changedAt: number[] = []
  for (let now = scene.now, limit = scene.limit; now < scene.now + 10_000; now += STEP) {
    scene.egress.handleTimeout(now)
    if (scene.limit !== limit) changedAt.push(now)
    limit = scene.limit
  }
  t.ok(changedAt.length > 3)
  t.ok(changedAt.slice(1).every((at, i) => at - changedAt[i]! >= 1_000), changedAt.join(', '))
  const idle = new Egress()
  t.doesNotThrow(() => idle.handleTimeout(EPOCH))
  t.equal(idle.limit, Infinity)
})

t.test('of many who speak those who answer first are not enough', async t => {
  const scene = new Scene(all(12, { queue: 400 }))
  const begun = first(scene)
  scene.run(600)
  const limit = scene.limit
  scene.say(...all(5, { queue: 2_000 }), { isSilent: true })
  t.equal(scene.run(1_500), limit, `${begun}`)
  t.ok(scene.run(3_500) < limit, 'there was time for the others')
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
