// The acceptance suite on i2pd 2.59.
import t from 'tap'
import { networkMissing } from '../testnet/network.ts'
import { i2pdAcceptance, QUIRKS } from './i2pd.ts'

t.setTimeout(400_000)

const suites = ['sid'] as const

t.test('i2pd 2.59', { skip: networkMissing({ suites }) ?? false }, async t => {
  await i2pdAcceptance(t, { name: 'i2pd 2.59', suite: 'sid', quirks: QUIRKS.since258 })
})
