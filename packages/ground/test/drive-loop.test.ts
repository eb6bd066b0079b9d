import { VirtualClock } from '@minwww/testkit'
import t from 'tap'
import { DriveLoop } from '../src/node.ts'
import type { Clock } from '../src/index.ts'

/** A core that does as it is told, and a loop around it. */
function bench (t0 = 1_000) {
  const clock = new VirtualClock(t0)
  let set = 0
  const counting: Clock = { now: clock.now, setTimer: (callback, ms) => { set++; return clock.setTimer(callback, ms) } }
  const core = {
    at: undefined as number | undefined,
    works: 0,
    expired: [] as number[],
    onWork: (): boolean => false,
    work (): boolean { this.works++; return this.onWork() },
    nextTimeout (): number | undefined { return this.at },
    expire (now: number): void { this.expired.push(now); this.at = undefined }
  }
  return { clock, core, loop: new DriveLoop(counting, core), timersSet: () => set }
}

const turn = async (): Promise<void> => await new Promise(resolve => setImmediate(resolve))

t.test('one timer, set anew only when the earliest deadline moves', async t => {
  const { clock, core, loop, timersSet } = bench()
  loop.run()
  t.equal(clock.pending, 0, 'nothing to wait for')
  core.at = 1_050
  for (let i = 0; i < 5; i++) loop.run()
  t.equal(timersSet(), 1)
  core.at = 1_020
  loop.run()
  t.equal(timersSet(), 2)
  t.equal(clock.pending, 1)
  clock.advance(19)
  t.strictSame(core.expired, [])
  clock.advance(1)
  t.strictSame(core.expired, [1_020])
  t.equal(core.works, 8, 'works after it has expired')
  t.equal(clock.pending, 0)
  core.at = 500
  loop.run()
  clock.advance(0)
  t.strictSame(core.expired, [1_020, 1_020], 'a deadline in the past is due at once')
})

t.test('what work brings about is done in the same go, but not for ever', async t => {
  const { core, loop } = bench()
  core.onWork = () => { if (core.works < 3) loop.run(); return false }
  loop.run()
  t.equal(core.works, 3)
  core.works = 0
  core.onWork = () => { if (core.works < 150) loop.run(); return false }
  loop.run()
  t.equal(core.works, 64, 'others have their turn')
  await turn()
  t.equal(core.works, 128)
  await turn()
  t.equal(core.works, 150)
})

t.test('work that is left is done in later turns; schedule is merged', async t => {
  const { core, loop } = bench()
  core.onWork = () => core.works < 3
  loop.run()
  t.equal(core.works, 1)
  await turn()
  t.equal(core.works, 2)
  await turn()
  t.equal(core.works, 3)
  await turn()
  t.equal(core.works, 3)
  for (let i = 0; i < 5; i++) loop.schedule()
  t.equal(core.works, 3)
  await turn()
  t.equal(core.works, 4)
})

t.test('an error of work leaves the timer set and the loop usable', async t => {
  const { clock, core, loop } = bench()
  core.at = 1_010
  core.onWork = () => { throw new Error('broken') }
  t.throws(() => loop.run(), /broken/)
  t.equal(clock.pending, 1)
  core.onWork = () => false
  clock.advance(10)
  t.strictSame(core.expired, [1_010])
})

t.test('nothing happens after close', async t => {
  const { clock, core, loop } = bench()
  core.at = 1_010
  loop.run()
  loop.schedule()
  loop.close()
  t.equal(clock.pending, 0)
  loop.run()
  loop.schedule()
  await turn()
  t.equal(core.works, 1)
  t.equal(clock.pending, 0)
})

t.test('closed by its own work', async t => {
  const { clock, core, loop } = bench()
  core.at = 1_010
  core.onWork = () => { loop.close(); return true }
  loop.run()
  await turn()
  t.equal(core.works, 1)
  t.equal(clock.pending, 0)
})
