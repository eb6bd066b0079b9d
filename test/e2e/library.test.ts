// The libraries as somebody else gets them: packed, installed into an empty folder, under several runtimes.
import t, { type Test } from 'tap'
import { execFile } from 'node:child_process'
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { installPackages, installPacked } from './packed.ts'

const run = promisify(execFile)
const LIMIT = 60_000
const HERE = fileURLToPath(new URL('consumer/', import.meta.url))
const folder = installPacked(t)
for (const name of ['consumer.mjs', 'consumer.cjs']) copyFileSync(join(HERE, name), join(folder, name))

async function consume (t: Test, command: string, args: string[], name: string): Promise<void> {
  const { stdout } = await run(command, [...args, name], { cwd: folder, timeout: LIMIT })
  const { globals, ...found } = JSON.parse(stdout) as Record<string, unknown>
  if (name.endsWith('.cjs')) {
    t.same(found, { fetched: '/fetch' })
    return
  }
  t.same(found, { fetched: '/fetch', refused: 'I2P_NOT_I2P', asked: '/agent', refusedAgent: 'I2P_NOT_I2P', answer: '/datagram' })
  t.equal(globals, 0, 'importing it changes nothing')
}

/** A runtime from the registry of packages. */
function runtime (t: Test, name: string, path: string): string {
  return join(installPackages(t, name), 'node_modules', path)
}

t.test('this Node', async t => {
  await consume(t, process.execPath, [], 'consumer.mjs')
  await consume(t, process.execPath, [], 'consumer.cjs')
})

for (const version of ['22', '24']) {
  t.test(`Node ${version}: import, and require() of ES modules`, async t => {
    const name = `node-${process.platform}-${process.arch}`
    const node = runtime(t, `${name}@${version}`, `${name}/bin/node`)
    await consume(t, node, [], 'consumer.mjs')
    await consume(t, node, [], 'consumer.cjs')
  })
}

t.test('Bun', async t => await consume(t, runtime(t, 'bun@1.4.5', '.bin/bun'), [], 'consumer.mjs'))

t.test('Deno', async t => await consume(t, runtime(t, 'deno@2.9.6', '.bin/deno'), ['run', '--allow-all'], 'consumer.mjs'))
