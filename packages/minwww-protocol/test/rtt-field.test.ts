import t from 'tap'
import fc from 'fast-check'
import { formatRtt, parseRtt } from '../src/index.ts'

t.test('the round trip that a client tells', async t => {
  t.equal(formatRtt({ rtt: 512.4, rttvar: 20.6 }), '512 21')
  t.equal(formatRtt({ rtt: 0.2, rttvar: 0 }), '1 0')
  t.equal(formatRtt({ rtt: 1e9, rttvar: 1e9 }), '60000 60000')
  t.strictSame(parseRtt('512 21'), { rtt: 512, rttvar: 21 })
  const others = [
    undefined, '', '512', '512 ', '512  21', '0 0', '01 0', '60001 0', '1 60001', '-1 0', '1.5 0', '1e3 0', '512 21 3',
    '\u0663 0', '999999 0'
  ]
  for (const value of others) {
    t.equal(parseRtt(value), undefined, JSON.stringify(value))
  }
  const ms = fc.double({ min: 0, max: 1e6, noNaN: true })
  fc.assert(fc.property(ms, ms, (rtt, rttvar) => {
    const told = parseRtt(formatRtt({ rtt, rttvar }))
    return told !== undefined && formatRtt(told) === formatRtt({ rtt, rttvar })
  }), { seed: 1 })
})
