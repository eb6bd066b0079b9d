import t from 'tap'
import { CongestionController } from '../src/core/congestion.ts'
import type { PathState } from '../src/core/congestion.ts'

const options = { initialWindow: 40, maxWindow: 128, slowStartFactor: 1, avoidanceFactor: 1 }
/** Before the first ACK nothing is known; then the RTT, but no rate yet. */
const UNKNOWN: PathState = { srtt: undefined, base: undefined, rate: 0, loss: 0 }
const NO_RATE: PathState = { srtt: 500, base: 500, rate: 0, loss: 0.06 }
const NO_BASE: PathState = { srtt: undefined, base: undefined, rate: 0.1, loss: 0 }
/** 0.1 packets per ms and a base RTT of 300 ms: it carries 30 packets. */
const QUEUED: PathState = { srtt: 1_000, base: 300, rate: 0.1, loss: 0 }
const IDLE: PathState = { ...QUEUED, srtt: 300 }

const start = (
  initialWindow: number, more: Partial<typeof options> = {}
): CongestionController => new CongestionController({ ...options, ...more, initialWindow })

/** The window at which slow start ends. */
function threshold (control: CongestionController): number {
  control.acknowledged(1_000, true, QUEUED)
  return control.window
}

t.test('where no rate or no base RTT is known, a loss halves the window, and slow start ends there', async t => {
  for (const path of [UNKNOWN, NO_RATE, NO_BASE]) {
    const control = start(40)
    control.lost({ ...path, loss: 0.06 })
    t.equal(control.window, 20)
    t.notOk(control.slowStart, 'avoidance goes on from there')
  }
  const small = start(3)
  small.lost({ ...UNKNOWN, loss: 0.06 })
  t.equal(small.window, 2, 'not below two')
})

t.test('where no rate is known, a timeout lets slow start reach half of the window', async t => {
  for (const path of [UNKNOWN, NO_RATE, NO_BASE]) {
    const control = start(40)
    control.timedOut(path)
    t.equal(control.window, 1)
    t.equal(threshold(control), 20)
  }
  const small = start(3)
  small.timedOut(UNKNOWN)
  t.equal(threshold(small), 2, 'not below two')
})

t.test('where both are known, it is what the path carried', async t => {
  const control = start(40)
  control.timedOut(QUEUED)
  t.equal(threshold(control), 30)
  const slow = start(40)
  slow.timedOut({ ...QUEUED, rate: 0.001 })
  t.equal(threshold(slow), 2, 'not below two')
  const fast = start(128)
  fast.timedOut({ ...QUEUED, rate: 1 })
  t.equal(threshold(fast), 64, 'slow start never goes beyond 64')
  const lossy = start(128)
  lossy.lost({ srtt: 345, base: 300, rate: 0.1, loss: 0.1 })
  t.equal(lossy.window, 38, 'on a path without a queue corrected for its loss: 0.1 x 300 x 1.15 / 0.9')
  const raised = start(20)
  raised.lost(QUEUED)
  t.equal(raised.window, 20, 'a loss does not raise the window')
})

t.test('an unchoke halves the window, whatever the path, and not below two', async t => {
  const control = start(40)
  control.unchoked()
  t.equal(control.window, 20)
  t.notOk(control.slowStart)
  const small = start(3)
  small.unchoked()
  t.equal(small.window, 2)
})

t.test('slow start goes on after a random loss: no queue stands, and less than 5 % are lost', async t => {
  const after = (path: PathState): number => {
    const control = start(40)
    control.lost(path)
    return control.window
  }
  t.equal(after({ srtt: 345, base: 300, rate: 0.1, loss: 0.049 }), 40)
  t.equal(after({ srtt: 345, base: 300, rate: 0.1, loss: 0.05 }), 36, '0.1 x 300 x 1.15 / 0.95')
  t.equal(after({ srtt: 346, base: 300, rate: 0.1, loss: 0.049 }), 30, 'the RTT says that a queue stands')
  const avoiding = start(40)
  avoiding.unchoked()
  avoiding.lost({ srtt: 300, base: 300, rate: 0.03, loss: 0.01 })
  t.equal(avoiding.window, 10, 'in avoidance every loss counts: 0.03 x 300 x 1.15 / 0.99')
})

t.test('above 15 % the loss is ours, even without a queue', async t => {
  const control = start(128)
  control.lost({ srtt: 300, base: 300, rate: 0.1, loss: 0.15 })
  t.equal(control.window, 30, 'no correction')
})

t.test('growth: one a packet in slow start, an eighth or one a round trip after it, divided by the factors', async t => {
  const slow = start(10, { slowStartFactor: 4 })
  slow.acknowledged(20, true, IDLE)
  t.equal(slow.window, 15)
  const avoiding = (path: PathState, more: Partial<typeof options> = {}): number => {
    const control = start(80, more)
    t.notOk(control.slowStart, 'a shared or initial window above 64 starts in avoidance')
    control.acknowledged(80, true, path)
    return control.window
  }
  t.equal(avoiding(QUEUED), 81)
  t.equal(avoiding(IDLE), 90)
  t.equal(avoiding(IDLE, { avoidanceFactor: 2 }), 85)
  t.equal(avoiding({ ...IDLE, loss: 0.075 }), 85, 'half of it at half of the loss that a path may have')
  t.equal(avoiding({ ...IDLE, loss: 0.149 }), 81, 'at least one')
  t.equal(avoiding(UNKNOWN), 81)
  const full = start(128)
  full.acknowledged(1_000, true, IDLE)
  t.equal(full.window, 128, 'not above maxWindow')
})

t.test('a window from an earlier stream to the same peer counts instead of the initial one, within the bounds', async t => {
  t.equal(new CongestionController(options, 12).window, 12)
  t.equal(new CongestionController(options, 0).window, 1)
  t.equal(new CongestionController({ ...options, maxWindow: 10 }, 12).window, 10)
})
