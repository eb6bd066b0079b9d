import t from 'tap'
import { silentLogger, SmoothedRtt } from '../src/index.ts'

t.test('the first sample, and those after it, as in RFC 6298, section 2', async t => {
  const rtt = new SmoothedRtt()
  t.strictSame([rtt.srtt, rtt.rttvar], [undefined, 0])
  rtt.sample(400)
  t.strictSame([rtt.srtt, rtt.rttvar], [400, 200], 'R and R/2')
  rtt.sample(480)
  t.strictSame([rtt.srtt, rtt.rttvar], [410, 170], '7/8 of 400 and 1/8 of 480; 3/4 of 200 and 1/4 of the difference of 80')
  rtt.sample(330)
  t.strictSame([rtt.srtt, rtt.rttvar], [400, 147.5], 'a shorter one differs as much as a longer one')
  rtt.restart(40)
  t.strictSame([rtt.srtt, rtt.rttvar], [40, 20], 'as if it were the first')
})

t.test('an earlier estimate of the path is gone on with', async t => {
  const rtt = new SmoothedRtt({ rtt: 400, rttvar: 200 })
  t.strictSame([rtt.srtt, rtt.rttvar], [400, 200])
  rtt.sample(480)
  t.strictSame([rtt.srtt, rtt.rttvar], [410, 170])
})

t.test('the silent logger has each level, and says nothing', async t => {
  for (const level of ['debug', 'info', 'warn', 'error'] as const) t.equal(silentLogger[level]({}, 'x'), undefined)
})
