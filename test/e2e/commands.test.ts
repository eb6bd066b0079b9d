import t from 'tap'
import { join } from 'node:path'
import { CHROMIUM } from './browser.ts'
import { missing, ROOT } from './harness.ts'
import { ENVIRONMENT, installPacked } from './packed.ts'

const noRoot = process.getuid?.() === 0 ? false : 'skipped: a machine of its own needs root'

t.test('the commands of the documents', { skip: noRoot || missing(CHROMIUM, '/usr/bin/unshare') }, async t => {
  await t.spawn(join(ROOT, 'test/e2e/machine.sh'), [process.execPath, ...process.execArgv, join(ROOT, 'test/e2e/commands.ts')],
    { cwd: ROOT, env: { ...ENVIRONMENT, MINWWW_FOLDER: installPacked(t) } }, 'on a machine of its own')
})
