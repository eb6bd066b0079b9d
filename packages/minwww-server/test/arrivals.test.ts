import { EPOCH } from '@minwww/testkit'
import t from 'tap'
import { ArrivalTrack } from '../src/core/arrival-track.ts'
import { SentHistory } from '../src/core/sent-history.ts'

const MESSAGE = 2_048

t.test('before anything was sent nothing is remembered', async t => {
  const sent = new SentHistory()
  t.strictSame([sent.latest, sent.between(0, 1_000), sent.since(0)], [-Infinity, undefined, 0])
})

t.test('bytes between two times are divided evenly over the time in which they were sent', async t => {
  const sent = new SentHistory()
  sent.add(1_000, 100)
  sent.add(1_099, 200)
  sent.add(1_100, 400)
  sent.add(1_130, 1_000)
  const table: Array<[since: number, until: number, bytes: number | undefined]> = [
    [1_000, 1_130, 1_700],
    [1_000, 9_999, 1_700],
    [1_000, 1_100, 300],
    [1_000, 1_050, 150],
    [1_050, 1_115, 850],
    [900, 1_050, 150],
    [899, 1_050, undefined],
    [1_130, 9_999, 0]
  ]
  for (const [since, until, bytes] of table) t.equal(sent.between(since, until), bytes, `${since} to ${until}`)
  t.strictSame([sent.latest, sent.since(0), sent.since(1_050), sent.since(1_115), sent.since(1_130)], [1_130, 1_700, 1_550, 700, 0])
})

t.test('of a long time the last 12.8 s in which something was sent are remembered', async t => {
  const sent = new SentHistory()
  for (let i = 0; i <= 200; i++) sent.add(i * 100, 10)
  t.strictSame([sent.between(7_200, 20_000), sent.between(7_199, 20_000), sent.since(0)], [1_280, undefined, 1_280])
})

/** A session that is sent a message every 100 ms until a time, and what its client reports. Times in ms since EPOCH. */
class Tracked {
  readonly track = new ArrivalTrack(EPOCH)
  readonly #end: number
  #sent = 0

  constructor (end = Infinity) { this.#end = end }

  /** A REPORT that comes at a time, of what left before it. */
  report (at: number, left: number, received: number, queue = 0, grant = 1e6): boolean {
    for (; this.#sent <= Math.min(at, this.#end); this.#sent += 100) this.track.sent.add(EPOCH + this.#sent, MESSAGE)
    return this.track.reported(EPOCH + at, { time: EPOCH + left & 0xffff, queue, received }, grant)
  }
}

t.test('two REPORTs make a reading: what came of what was sent between them', async t => {
  const track = new Tracked()
  t.notOk(track.report(1_300, 1_000, 20, 100), 'the first one is only a beginning')
  t.equal(track.track.reading, undefined)
  t.ok(track.report(2_300, 2_000, 38, 300))
  t.match(track.track.reading, {
    at: EPOCH + 2_300, since: EPOCH + 1_000, until: EPOCH + 2_000, queue: 300, noise: 60, bytes: 10 * MESSAGE, ratio: 0.9, isHeldBack: true, stretch: 1.2
  })
})

t.test('a session that is sent nine tenths of its grant is not held back', async t => {
  const rate = 10 * MESSAGE
  for (const [grant, isHeldBack] of [[rate / 0.9 - 1, false], [rate / 0.9 + 1, true]] as const) {
    const track = new Tracked()
    track.report(1_300, 1_000, 20)
    track.report(2_300, 2_000, 40, 0, grant)
    t.equal(track.track.reading?.isHeldBack, isHeldBack)
  }
})

t.test('what is absurd is brought within bounds', async t => {
  const more = new Tracked()
  more.report(1_300, 1_000, 0xffff_fff0, 5_000)
  more.report(2_300, 2_000, 0x10, 0)
  t.match(more.track.reading, { ratio: 1, stretch: 0.2 }, 'the counter wraps: 32 came of 20; a queue went faster than it can')
  const less = new Tracked()
  less.report(1_300, 1_000, 0xffff_fff8)
  less.report(2_300, 2_000, 2)
  t.equal(less.track.reading?.ratio, 0.5, 'the counter wraps: ten came of 20')
})

t.test('a REPORT too early or too late, or of what nobody remembers, is no reading', async t => {
  const track = new Tracked(3_000)
  track.report(1_300, 1_000, 20)
  t.notOk(track.report(1_400, 1_299, 25), 'too soon after the one before')
  t.notOk(track.report(1_500, 900, 25), 'older than the one before')
  t.notOk(track.report(1_600, 1_400, 0), 'nothing came')
  t.ok(track.report(1_700, 1_300, 26), 'none of these counted')
  t.equal(track.track.reading?.since, EPOCH + 1_000)
  t.notOk(track.report(11_400, 11_301, 40), 'too long after the one before')
  t.equal(track.track.reading?.at, EPOCH + 1_700, 'the last one stays')
  t.notOk(track.report(11_800, 11_700, 40), 'nothing was sent meanwhile')
  const late = new Tracked()
  late.report(20_000, 9_000, 20)
  t.notOk(late.report(20_001, 10_000, 40), 'of more than ten seconds ago')
  t.ok(late.report(21_000, 11_000, 60))
})

t.test('what a queue must exceed follows the least round trip of the last 20 to 40 s', async t => {
  const noise = (roundTrip: number): number | undefined => {
    const track = new Tracked()
    track.report(1_000 + roundTrip, 1_000, 20)
    track.report(2_000 + roundTrip, 2_000, 40)
    return track.track.reading?.noise
  }
  t.strictSame([30, 60, 100, 1_250, 2_000].map(noise), [12, 12, 20, 250, 250])
  const track = new Tracked()
  const heard: Array<number | undefined> = []
  for (let left = 1_000, count = 20; left < 50_000; left += 1_000, count += 20) {
    track.report(left + (left < 5_000 ? 100 : 500), left, count)
    heard.push(track.track.reading?.noise)
  }
  t.equal(heard[0], undefined)
  t.ok(heard.slice(1, 39).every(noise => noise === 20), 'remembered for two periods')
  t.ok(heard.slice(40).every(noise => noise === 100), 'then forgotten')
})
