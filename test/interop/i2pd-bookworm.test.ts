// The acceptance suite on i2pd 2.45.1.
import t from 'tap'
import { networkMissing } from '../testnet/network.ts'
import { i2pdAcceptance, QUIRKS } from './i2pd.ts'

t.setTimeout(400_000)

const suites = ['bookworm'] as const

t.test('i2pd 2.45.1', { skip: networkMissing({ suites }) ?? false }, async t => {
  await i2pdAcceptance(t, { name: 'i2pd 2.45.1', suite: 'bookworm', quirks: QUIRKS.old })
})
