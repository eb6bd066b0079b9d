// Our streaming against Java's over local-router: both roles, 1 KB, 128 KB and 8 MB, byte-identical, without and with loss.
import t from 'tap'
import { createLocalRouter } from '@minwww/local-router'
import { javaMissing } from './java.ts'
import { SIZES, withJava } from './streaming-java.ts'

t.setTimeout(560_000)

for (const loss of [0, 0.02]) {
  t.test(`Java over local-router, ${loss * 100} % loss`, { skip: javaMissing() ?? false }, async t => {
    const router = createLocalRouter({ seed: 4, latency: 3, jitter: 1, loss })
    t.teardown(async () => await router.close())
    const address = await router.listen({ host: '127.0.0.1', port: 0 })
    await withJava(t, { connect: () => router.connect() }, address, SIZES)
  })
}
