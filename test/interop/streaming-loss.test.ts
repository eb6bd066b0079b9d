// Our streaming against i2pd's own tunnels where every link loses 2 %: both roles, 1 KB, 128 KB and 8 MB, byte-identical.
import t from 'tap'
import { networkMissing } from '../testnet/network.ts'
import { livePlace, withI2pd } from './streaming-i2pd.ts'

t.setTimeout(760_000)

// i2pd 2.59 carries no 8 MB within two minutes over links that lose 2 %; 2.45.1 does (docs/reference/routers.md).
process.env.MINWWW_I2PD = 'bookworm'

t.test('i2pd, 2 % loss on every link', { skip: networkMissing({ emulatedLinks: true }) ?? false }, async t => {
  const place = await livePlace(t, { delay: 1, loss: 0.02 })
  await withI2pd(t, place)
})
