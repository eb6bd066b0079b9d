// The acceptance suite on a network of i2pd 2.45.1 and 2.59: a session on each.
import t from 'tap'
import { networkMissing } from '../testnet/network.ts'
import { i2pdAcceptance, QUIRKS } from './i2pd.ts'

t.setTimeout(400_000)

const suites = ['bookworm', 'sid'] as const

t.test('i2pd 2.45.1 and 2.59 in one network', { skip: networkMissing({ suites }) ?? false }, async t => {
  await i2pdAcceptance(t, {
    name: 'i2pd 2.45.1 and 2.59',
    suite: 'bookworm',
    suites: { 2: 'sid', 3: 'sid', 5: 'sid', 7: 'sid' },
    quirks: QUIRKS.since258
  })
})
