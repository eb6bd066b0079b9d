// The lines of code at the top of each package's README run as they stand, but for the port of the router.
import t from 'tap'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync, writeFileSync, mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { createI2p } from '@minwww/http'
import { createLocalRouter } from '@minwww/local-router'
import { ROOT } from './harness.ts'

t.setTimeout(120_000)

/** What each prints, and whether it ends by itself. The code of @minwww/benchmark is what bench.test.ts runs. */
const EXPECTED: Readonly<Record<string, RegExp>> = {
  ground: /^60000$/m,
  i2cp: /^[a-z2-7]{52}\.b32\.i2p$/m,
  streaming: /^you said hello$/m,
  http: /^200 a page$/m,
  'local-router': /^\d+ [a-z2-7]{52}\.b32\.i2p$/m,
  'minwww-protocol': /^cancel$/m
}
/** These run for ever. */
const SERVICES: Readonly<Record<string, RegExp>> = { 'minwww-client': /4480/, 'minwww-server': /^[A-Za-z0-9~=-]{516,}$/m }

const router = createLocalRouter({ latency: 1 })
const { port } = await router.listen({ host: '127.0.0.1', port: 0 })
const site = await createI2p({ router })
site.createServer((_request, response) => response.end('a page')).listen(80)
for (const name of ['example.i2p', 'stats.i2p']) router.addHost(name, site.destination.base64)
// Within the repository, where the packages are found; a folder of its own for what the code writes.
const folder = mkdtempSync(join(ROOT, '.tap', 'readme-'))
t.teardown(async () => {
  rmSync(folder, { recursive: true, force: true })
  await site.close()
  await router.close()
})

for (const [name, expected] of Object.entries({ ...EXPECTED, ...SERVICES })) {
  t.test(name, async t => {
    const readme = readFileSync(join(ROOT, 'packages', name, 'README.md'), 'utf8')
    const [, code = ''] = /```(?:js|ts)\n(.*?)```/s.exec(readme) ?? []
    const file = join(folder, `${name}.mts`)
    writeFileSync(file, code.replaceAll(/7654\b/g, String(port)))
    const child = spawn(process.execPath, ['--conditions=@minwww/source', '--import', 'tsx', file], {
      cwd: folder, stdio: ['ignore', 'pipe', 'pipe']
    })
    const errors = text(child.stderr)
    const ended = once(child, 'close') as Promise<[number | null]>
    let output = ''
    const found = new Promise<void>(resolve => {
      child.stdout.on('data', chunk => {
        output += String(chunk)
        if (expected.test(output)) resolve()
      })
    })
    await Promise.race([found, ended])
    if (name in SERVICES) child.kill('SIGKILL')
    const [status] = await ended
    t.match(output, expected, name in SERVICES ? name : await errors)
    if (!(name in SERVICES)) t.equal(status, 0, await errors)
  })
}
