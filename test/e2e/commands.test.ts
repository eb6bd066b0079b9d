import t from 'tap'
import { join } from 'node:path'
import { CHROMIUM } from './browser.ts'
import { missingOnMachine, ROOT } from './harness.ts'
import { ENVIRONMENT, installPacked } from './packed.ts'

t.test('the commands of the documents', { skip: missingOnMachine(CHROMIUM) }, async t => {
  await t.spawn(join(ROOT, 'test/e2e/machine.sh'), [process.execPath, ...process.execArgv, join(ROOT, 'test/e2e/commands.ts')],
    { cwd: ROOT, env: { ...ENVIRONMENT, MINWWW_FOLDER: installPacked(t) } }, 'on a machine of its own')
})
