/** How an exit's sessions share what it may send, and what each is told of it; core-send-queue.test.ts has long runs of the same. */
import { LocalDestination } from '@minwww/i2cp/codec'
import { sessionKeys } from '@minwww/protocol'
import { EPOCH, seeded } from '@minwww/testkit'
import t from 'tap'
import { DEFAULT_CONFIG } from '../src/core/config.ts'
import type { ServerConfig } from '../src/core/config.ts'
import type { Burst } from '../src/core/flow.ts'
import { SendQueue } from '../src/core/send-queue.ts'
import { Session } from '../src/core/session.ts'

const KB = 1024
const { destination } = LocalDestination.generate(seeded('shares'))
const KEYS = sessionKeys(seeded('secret')(16))

function sessionOf (rate = 1e9, isValidated = true): Session {
  const session = new Session(EPOCH, destination, KEYS, DEFAULT_CONFIG)
  if (isValidated) session.peer.validate()
  session.bucket.setRate(EPOCH, rate, rate === 1e9 ? 1e9 : 4 * KB)
  return session
}

/** One tunnel message each; the paces that they were told lately. */
class Messages implements Burst {
  readonly owner = this
  readonly messageLength = 500
  readonly held = 0
  left: number
  readonly paces: number[] = []

  constructor (left = 1e6) { this.left = left }

  take (_now: number, pace: number): Buffer {
    this.left--
    if (this.paces.push(pace) > 20) this.paces.shift()
    return Buffer.alloc(this.messageLength)
  }
}

/** Sessions that always have something to send, at an exit of 100 KB/s. */
class Scene {
  readonly queue: SendQueue
  readonly sessions: readonly Session[]
  readonly bursts: readonly Messages[]
  now = EPOCH

  constructor (sessions: readonly Session[], config: Partial<ServerConfig> = {}) {
    this.sessions = sessions
    this.queue = new SendQueue(EPOCH, { ...DEFAULT_CONFIG, serverRate: 100 * KB, maxBacklog: 2, messageRate: 1e9, messageBurst: 1e9, ...config })
    this.bursts = sessions.map(session => {
      const burst = new Messages()
      this.queue.push(session, burst)
      return burst
    })
  }

  /** KB/s of each. */
  run (ms: number): number[] {
    const before = this.bursts.map(({ left }) => left)
    for (const end = this.now + ms; this.now < end; this.now = Math.max(this.now, this.queue.nextTimeout(this.now) ?? Infinity)) {
      while (this.queue.poll(this.now) !== undefined) { /* until nothing may leave */ }
    }
    return this.bursts.map(({ left }, i) => (before[i]! - left) * 1_000 / ms)
  }

  /** KB/s that each was told, of its last twenty messages. */
  get paces (): number[] { return this.bursts.map(({ paces }) => paces.reduce((sum, pace) => sum + pace, 0) / paces.length / KB) }
}

const near = (values: readonly number[], wanted: readonly number[], share = 0.12): boolean =>
  values.length === wanted.length && values.every((value, i) => Math.abs(value / wanted[i]! - 1) <= share)

t.test('those who can take more share what the slow ones leave, and each is told its share', async t => {
  const scene = new Scene([sessionOf(), sessionOf(), sessionOf(10 * KB), sessionOf(20 * KB)])
  const shares = scene.run(3_000)
  t.ok(near(shares, [35, 35, 10, 20]), shares.join(', '))
  t.ok(near(scene.paces, [35, 35, 10, 20]), scene.paces.join(', '))
  scene.queue.drop(scene.sessions[3]!)
  scene.run(500)
  t.ok(near(scene.run(2_000).slice(0, 3), [45, 45, 10]))
  t.ok(near(scene.paces.slice(0, 3), [45, 45, 10]), scene.paces.join(', '))
  scene.queue.drop(scene.sessions[2]!)
  scene.queue.drop(scene.sessions[1]!)
  scene.run(500)
  t.ok(near(scene.paces.slice(0, 1), [100]), scene.paces.join(', '))
})

t.test('all Destinations that are not validated have the share of one session together', async t => {
  const scene = new Scene([sessionOf(), sessionOf(1e9, false), sessionOf(1e9, false), sessionOf(1e9, false)])
  const shares = scene.run(3_000)
  t.ok(near(shares, [50, 16.7, 16.7, 16.7]), shares.join(', '))
  t.ok(near(scene.paces, [50, 16.7, 16.7, 16.7]), scene.paces.join(', '))
  const alone = new Scene([sessionOf(1e9, false), sessionOf(1e9, false)])
  t.ok(near(alone.run(3_000), [50, 50]))
  t.ok(near(alone.paces, [50, 50]), alone.paces.join(', '))
})

t.test('who is validated meanwhile has a share of his own, and the others keep theirs', async t => {
  const scene = new Scene([sessionOf(), sessionOf(1e9, false), sessionOf(1e9, false)])
  scene.run(500)
  scene.sessions[1]!.peer.validate()
  scene.run(500)
  const shares = scene.run(3_000)
  t.ok(near(shares, [33, 33, 33]), shares.join(', '))
  t.ok(near(scene.paces, [33, 33, 33]), scene.paces.join(', '))
})

t.test('a slow session that is not validated rests, too', async t => {
  const scene = new Scene([sessionOf(), sessionOf(10 * KB, false), sessionOf(10 * KB, false)])
  const shares = scene.run(3_000)
  t.ok(near(shares, [80, 10, 10]), shares.join(', '))
  scene.queue.drop(scene.sessions[1]!)
  scene.run(500)
  const after = scene.run(2_000)
  t.ok(near([after[0]!, after[2]!], [90, 10]), after.join(', '))
})

t.test('where messages are counted, as paces say, they are divided as well', async t => {
  const scene = new Scene([sessionOf(), sessionOf(), sessionOf()], { serverRate: 1e9, maxBacklog: 1e6, messageRate: 60, messageBurst: 5 })
  const shares = scene.run(3_000)
  t.ok(near(shares, [20, 20, 20], 0.15), shares.join(', '))
  t.ok(near(scene.paces, [20, 20, 20]), scene.paces.join(', '))
  const few = new Messages(1)
  const queue = new SendQueue(EPOCH, { ...DEFAULT_CONFIG, serverRate: 1e9, messageRate: 60, messageBurst: 5 })
  queue.push(sessionOf(), few)
  queue.poll(EPOCH)
  t.ok(few.paces[0]! > 1e6, 'what leaves at once is not slowed')
})

t.test('a session that rests wakes when it may send, not before, and with what is new', async t => {
  const scene = new Scene([sessionOf(KB)], { maxBacklog: 1e6 })
  scene.run(0)
  while (scene.queue.poll(EPOCH) !== undefined) { /* until its bucket is empty */ }
  const next = scene.queue.nextTimeout(EPOCH)!
  t.ok(next > EPOCH + 900 && next < EPOCH + 1_100, `${next - EPOCH}`)
  t.equal(scene.queue.poll(next - 50), undefined)
  t.ok(scene.queue.poll(next))
  t.equal(scene.queue.poll(next), undefined)
  scene.sessions[0]!.bucket.setRate(next, 100 * KB, KB)
  scene.queue.wake(scene.sessions[0]!)
  scene.queue.wake(sessionOf())
  t.equal(scene.queue.poll(next), undefined)
  t.ok(scene.queue.nextTimeout(next)! < next + 50)
})
