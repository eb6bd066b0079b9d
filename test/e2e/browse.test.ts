import t from 'tap'
import { join } from 'node:path'
import { CHROMIUM } from './browser.ts'
import { FIREFOX } from './firefox.ts'
import { missing, ROOT } from './harness.ts'

t.test('minwww browse', { skip: missing(CHROMIUM, FIREFOX, '/usr/bin/unshare', '/usr/bin/tcpdump') }, async t => {
  await t.spawn(join(ROOT, 'test/e2e/machine.sh'), [process.execPath, ...process.execArgv, join(ROOT, 'test/e2e/browse.ts')],
    { cwd: ROOT, env: process.env }, 'on a machine of its own')
})
