import t from 'tap'
import fc from 'fast-check'
import { formatPath, parsePath } from '../src/index.ts'

t.test('the path that a client tells', async t => {
  t.equal(formatPath({ rtt: 512.4, rttvar: 20.6, rate: 187_000.2, loss: 0.0126 }), '512 21 187000 13')
  t.equal(formatPath({ rtt: 0.2, rttvar: 0, rate: 0, loss: 0 }), '1 0 1 0')
  t.equal(formatPath({ rtt: 1e9, rttvar: 1e9, rate: 1e12, loss: 7 }), '60000 60000 67108864 1000')
  t.strictSame(parsePath('512 21 187000 13'), { rtt: 512, rttvar: 21, rate: 187_000, loss: 0.013 })
  const others = [
    undefined, '', '512', '512 21', '512 21 187000', '512 21 187000 ', '512 21 187000 13 1', '512  21 187000 13', '0 0 1 0', '01 0 1 0',
    '60001 0 1 0', '1 60001 1 0',
    '1 0 0 0', '1 0 67108865 0', '1 0 999999999 0', '1 0 1 1001', '-1 0 1 0', '1.5 0 1 0', '1e3 0 1 0', '\u0663 0 1 0'
  ]
  for (const value of others) t.equal(parsePath(value), undefined, JSON.stringify(value))
  const number = fc.double({ min: 0, max: 1e8, noNaN: true })
  fc.assert(fc.property(number, number, number, fc.double({ min: 0, max: 1, noNaN: true }), (rtt, rttvar, rate, loss) => {
    const told = parsePath(formatPath({ rtt, rttvar, rate, loss }))
    return told !== undefined && formatPath(told) === formatPath({ rtt, rttvar, rate, loss })
  }), { seed: 1 })
})
