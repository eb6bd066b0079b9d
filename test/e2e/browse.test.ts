import t from 'tap'
import { join } from 'node:path'
import { CHROMIUM } from './browser.ts'
import { FIREFOX } from './firefox.ts'
import { missingOnMachine, ROOT } from './harness.ts'

t.test('minwww browse', { skip: missingOnMachine(CHROMIUM, FIREFOX, '/usr/bin/tcpdump') }, async t => {
  await t.spawn(join(ROOT, 'test/e2e/machine.sh'), [process.execPath, ...process.execArgv, join(ROOT, 'test/e2e/browse.ts')],
    { cwd: ROOT, env: process.env }, 'on a machine of its own')
})
