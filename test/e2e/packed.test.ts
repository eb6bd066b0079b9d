import t from 'tap'
import { execFileSync, spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fetchPage, ROOT, temporaryFolder } from './harness.ts'

t.test('the packed command, installed into an empty folder, browses the demo site', async t => {
  const folder = temporaryFolder(t)
  execFileSync('node', ['scripts/pack.js'], { cwd: ROOT, stdio: 'pipe' })
  const packages = readdirSync(join(ROOT, 'artifacts/packages')).map(name => join(ROOT, 'artifacts/packages', name))
  // Without this workspace's own npm settings, which npm hands down to what it runs.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.toLowerCase().startsWith('npm_')))
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--prefix', folder, ...packages], { cwd: folder, stdio: 'pipe', env })
  const child = spawn(join(folder, 'node_modules/.bin/minwww'), ['demo', '--proxy', '127.0.0.1:0', '--latency', '5', '--json'], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise<number | null>(resolve => child.once('exit', resolve))
  t.teardown(async () => { child.kill('SIGKILL'); await ended })
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString()))
    child.once('exit', () => reject(new Error('ended before it was ready')))
  })
  const { proxy, site } = JSON.parse(line) as { proxy: string, site: string }
  const page = await fetchPage(site, proxy)
  t.equal(page.status, 200)
  t.match(page.body.toString(), /This page came through the pool/)
  child.kill('SIGTERM')
  t.equal(await ended, 0)
})
