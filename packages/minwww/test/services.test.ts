import t from 'tap'
import { environmentOf } from '../src/services.ts'

t.test('streams have parity beneath them, unless --no-parity says otherwise', async t => {
  t.ok(environmentOf({}).layer)
  t.not(environmentOf({}).layer, environmentOf({}).layer, 'each session its own')
  t.strictSame(environmentOf({ noParity: true }), { switchesTunnels: false })
  t.equal(environmentOf({ switchTunnels: true }).switchesTunnels, true)
})
