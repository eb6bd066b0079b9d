import t from 'tap'
import { flawsOf } from '../../scripts/check-lock.ts'

t.test('a package without a hash, or with a host, is found', async t => {
  const integrity = 'sha512-AAAA'
  const flaws = flawsOf({
    packages: {
      '': { version: '0.1.0' },
      'packages/i2cp': { version: '0.1.0' },
      'node_modules/@minwww/i2cp': { resolved: 'packages/i2cp', link: true },
      'node_modules/whole': { version: '1.0.0', integrity },
      'node_modules/bare': { version: '1.0.0' },
      'node_modules/bare/node_modules/weak': { version: '2.0.0', integrity: 'sha1-AAAA' },
      'node_modules/hosted': { version: '3.0.0', integrity, resolved: 'https://registry.example/hosted.tgz' }
    }
  })
  t.same(flaws, [
    'node_modules/bare 1.0.0: no integrity',
    'node_modules/bare/node_modules/weak 2.0.0: no integrity',
    'node_modules/hosted 3.0.0: resolved names https://registry.example/hosted.tgz'
  ])
})
