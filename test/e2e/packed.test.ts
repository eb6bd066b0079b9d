import t, { type Test } from 'tap'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fetchPage } from './harness.ts'
import { installPackages, installPacked } from './packed.ts'

const folder = installPacked(t)

t.test('the packed command, installed into an empty folder, browses the demo site', async t => { await browse(t, process.execPath) })

for (const version of ['22', '24']) {
  t.test(`the same on Node ${version}`, async t => {
    const name = `node-${process.platform}-${process.arch}`
    const node = join(installPackages(t, `${name}@${version}`), 'node_modules', name, 'bin/node')
    t.match(execFileSync(node, ['--version'], { encoding: 'utf8' }), new RegExp(`^v${version}\\.`))
    await browse(t, node)
  })
}

/** Starts the installed demo with this Node, and fetches its site. */
async function browse (t: Test, node: string): Promise<void> {
  const child = spawn(node, [
    join(folder, 'node_modules/.bin/minwww'), 'demo', '--proxy', '127.0.0.1:0', '--latency', '5', '--json'
  ], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  t.teardown(async () => { child.kill('SIGKILL'); await ended })
  const [line] = await Promise.race(
    [once(child.stdout, 'data'), ended.then(([status]) => { throw new Error(`ended with status ${String(status)}`) })]
  ) as [Buffer]
  const { proxy, site } = JSON.parse(line.toString()) as { proxy: string, site: string }
  const page = await fetchPage(site, proxy)
  t.equal(page.status, 200)
  t.match(page.body.toString(), /This page came through the pool/)
  child.kill('SIGTERM')
  t.strictSame(await ended, [0, null])
}
