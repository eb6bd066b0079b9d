import t from 'tap'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fetchPage, freePort, ROOT, startNginx, startService, temporaryFolder, type Surroundings } from './harness.ts'

const folder = temporaryFolder(t)
const home = temporaryFolder(t)
for (const name of ['tmp', 'bin']) mkdirSync(join(home, name))
symlinkSync(process.execPath, join(home, 'bin/node'))
execFileSync(process.execPath, ['scripts/bundle.js', folder], { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] })
const cli = join(folder, 'minwww.mjs')
/** An empty folder, Node, and nothing else: no packages of this clone, no settings of npm. */
const env = { PATH: join(home, 'bin'), NODE_PATH: '', NODE_OPTIONS: '', HOME: home, TMPDIR: join(home, 'tmp') }
const alone: Surroundings = { cli, cwd: folder, env }

t.test('one file that Node runs', async t => {
  t.strictSame(readdirSync(folder), ['minwww.mjs'])
  t.match(readFileSync(cli, 'utf8').slice(0, 30), /^#!\/usr\/bin\/env node\n/)
  const { version } = JSON.parse(readFileSync(join(ROOT, 'packages/minwww/package.json'), 'utf8')) as { version: string }
  t.equal(execFileSync('/usr/bin/env', ['node', cli, '--version'], { cwd: folder, encoding: 'utf8', env }), `${version}\n`)
  const text = readFileSync(cli, 'utf8')
  for (const name of ['fastify', 'pino', '@noble/curves', 'uplot', 'commander']) t.match(text, new RegExp(`\n${name} \\d[^\n]+\n\n`), name)
})

t.test('demo: a page of its site, and the proxy\'s own pages with their scripts', async t => {
  const demo = await startService(t, ['demo', '--proxy', '127.0.0.1:0', '--latency', '5'], alone)
  const page = await fetchPage('http://demo.i2p/', demo.json.proxy)
  t.equal(page.status, 200)
  t.match(page.body.toString(), /This page came through the pool/)
  const console = ['app.js', 'app.css', 'charts.js', 'uplot.js'].map(name => `console/${name}`)
  for (const path of ['', 'did-it-work', 'did-it-work.js', 'console', ...console]) {
    const own = await fetchPage(`http://minwww.i2p/${path}`, demo.json.proxy)
    t.equal(own.status, 200, path)
    t.ok(own.body.length > 200, `${path}: ${own.body.length} bytes`)
  }
  t.equal((await demo.stop()).status, 0)
})

t.test('router, exit and proxy', async t => {
  const origin = await startNginx(t, ROOT)
  const router = await startService(t, ['router', '--i2cp', '127.0.0.1:0', '--latency', '5'], alone)
  const i2cp = ['--router', router.json.i2cp as string]
  const operator = `127.0.0.1:${await freePort()}`
  const exit = await startService(
    t, ['exit', ...i2cp, '--keys', join(home, 'exit.dat'), '--site', `mysite.i2p=${origin}`, '--console', operator], alone
  )
  const proxy = await startService(t, ['proxy', ...i2cp, '--proxy', '127.0.0.1:0', '--exit', exit.json.destination], alone)
  const page = await fetchPage('http://mysite.i2p/LICENSE', proxy.json.proxy)
  t.equal(page.body.toString(), readFileSync(join(ROOT, 'LICENSE'), 'utf8'))
  for (const path of ['', 'app.js', 'app.css', 'uplot.js']) t.equal((await fetchPage(`http://${operator}/${path}`)).status, 200, path)
  for (const service of [proxy, exit, router]) t.equal((await service.stop()).status, 0)
})

t.test('bench --quick: what needs nothing but Node is measured, the rest says what it needs', async t => {
  const bench = (...args: string[]): Array<{ scenario: string, status: string, hint?: string }> => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath, [cli, 'bench', ...args, '--quick', '--json'],
      { cwd: folder, encoding: 'utf8', env: { ...env, MINWWW_CHROMIUM: '/nonexistent' }, timeout: 240_000, maxBuffer: 2 ** 28 }
    )
    t.equal(status, 0, `${args.join(' ')} ${status === 0 ? '' : stderr.slice(-2_000)}`)
    return (JSON.parse(stdout) as { scenarios: Array<{ scenario: string, status: string, hint?: string }> }).scenarios
  }
  const scenarios = bench()
  const statuses = Object.fromEntries(scenarios.map(({ scenario, status }) => [scenario, status]))
  t.match(statuses.https, /^(?:done|skipped)$/, 'it needs openssl')
  const needNothing = ['grid', 'tunnel', 'burst', 'post', 'large', 'cost', 'steps', 'https']
  t.strictSame({ ...statuses, https: 'done' }, {
    ...Object.fromEntries(needNothing.map(name => [name, 'done'])), load: 'skipped', pages: 'skipped', routers: 'skipped'
  })
  for (const { status, hint, scenario } of scenarios) if (status === 'skipped') t.ok(hint, `${scenario}: ${String(hint)}`)
  t.match(bench('i2cp', '--runs', '1'), [{ scenario: 'i2cp', status: 'done' }], 'its peers are processes of their own')
})

t.test('nothing was left beside it', async t => { t.strictSame(readdirSync(folder), ['minwww.mjs']) })
