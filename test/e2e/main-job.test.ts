import t from 'tap'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { spawnSync } from 'node:child_process'
import { fetchPage, freePort, logLines, runCli, startService, temporaryFolder, until } from './harness.ts'
import { readFileSync } from 'node:fs'
import { randomBytes } from 'node:crypto'

t.test('demo: starts, prints its contract, serves the built-in site to curl, ends cleanly', async t => {
  const demo = await startService(t, ['demo', '--proxy', '127.0.0.1:0', '--exits', '2', '--latency', '20', '--loss', '0'])
  t.match(demo.json, {
    proxy: /^http:\/\/127\.0\.0\.1:\d+$/,
    site: 'http://demo.i2p/',
    exits: [
      /^[a-z2-7]{52}\.b32\.i2p$/, /^[a-z2-7]{52}\.b32\.i2p$/
    ],
    router: /^127\.0\.0\.1:\d+$/
  })
  t.strictSame(Object.keys(demo.json), ['proxy', 'site', 'exits', 'router'])
  const curl = spawnSync('curl', ['-sS', '-i', '-x', demo.json.proxy, 'http://demo.i2p/'], { encoding: 'utf8' })
  t.equal(curl.status, 0, curl.stderr)
  t.match(curl.stdout, /^HTTP\/1\.1 200 /)
  t.ok(curl.stdout.endsWith(readFileSync(new URL('../../packages/minwww/site/index.html', import.meta.url), 'utf8')), "the site's page")
  const { status, took } = await demo.stop()
  t.equal(status, 0)
  t.ok(took < 2000, `ended in ${Math.round(took)} ms`)
})

t.test('demo with the same seed has the same Destinations', async t => {
  const args = ['demo', '--proxy', '127.0.0.1:0', '--exits', '1', '--latency', '1', '--seed', '7']
  const [first, second] = [await startService(t, args), await startService(t, args)]
  t.strictSame(first.json.exits, second.json.exits)
})

t.test('one page is two traversals: one message out, and the reply', async t => {
  const demo = await startService(
    // So long that what a busy machine takes is little beside it: nothing is repeated.
    t, ['demo', '--proxy', '127.0.0.1:0', '--exits', '1', '--latency', '200', '--jitter', '0', '--loss', '0', '--log-level', 'debug']
  )
  await fetchPage('http://demo.i2p/', demo.json.proxy)
  // It is said after the browser has the page, and read after that. The demo has asked for pages of its own, over streams.
  t.ok(await until(() => logLines(demo.stderr()).some(({ msg, path }) => msg === 'request done' && path === 'message')))
  const before = demo.stderr().length
  await fetchPage('http://demo.i2p/steps.html', demo.json.proxy)
  await demo.stop()
  const trace = logLines(demo.stderr().slice(before))
  const inward = trace.filter(({ msg }) => msg === 'minwww message in')
  // The longest is the page's. The proxy may be looking around at the same time, also from another Destination.
  const page = inward.toSorted((a, b) => b.size - a.size)[0]
  const ofIts = (entry: Record<string, any>): boolean => entry.source === page?.source && entry.id === page?.id
  t.equal(trace.filter(entry => entry.msg === 'minwww message out' && ofIts(entry)).length, 1)
  t.equal(inward.filter(ofIts).length, 1)
})

t.test('a response above the cap arrives or says that it is too large', async t => {
  const body = randomBytes(129 * 1024)
  const httpd = createServer((request, response) => { response.end(body) })
  await new Promise<void>(resolve => httpd.listen(0, '127.0.0.1', resolve))
  t.teardown(() => { httpd.closeAllConnections(); httpd.close() })
  const { port } = httpd.address() as AddressInfo
  const demo = await startService(
    t, ['demo', '--proxy', '127.0.0.1:0', '--latency', '5', '--loss', '0', '--site', `large.i2p=http://127.0.0.1:${port}`]
  )
  const page = await fetchPage('http://large.i2p/', demo.json.proxy)
  t.equal(page.status, 200)
  t.strictSame(page.body, body)
})

t.test('wrong use is one line on standard error and status 2, failure status 1', async t => {
  const wrong: string[][] = [
    ['demo', '--nonsense'], ['demo', '--latency', 'fast'], ['demo', '--loss', '101'], ['demo', '--exits', '0'], ['demo', '--proxy', 'here'],
    ['demo', '--site', 'nothing'], ['proxy', '--router', '127.0.0.1:1'], ['nonsense'], ['demo', '--strategy', 'best'],
    ['demo', '--exits', '1.5'], []
  ]
  for (const args of wrong) {
    const { status, stdout, stderr } = runCli(args)
    t.equal(status, 2, `minwww ${args.join(' ')}`)
    t.equal(stdout, '')
    if (args.length > 0) t.match(stderr, /^minwww: [^\n]+\n$/)
  }
  const port = await freePort()
  // What is wrong is said before there is a router.
  const usage = runCli(
    ['exit', '--router', `127.0.0.1:${port}`, '--upstream', 'foo', '--console', '0.0.0.0:1', '--methods', 'FETCH', '--json']
  )
  t.equal(usage.status, 2)
  t.match(usage.stderr, /^minwww: --console: [^\n]+\nminwww: --upstream: [^\n]+\nminwww: --methods: [^\n]+\n$/)
  const noRouter = runCli(['exit', '--router', `127.0.0.1:${port}`, '--json'])
  t.equal(noRouter.status, 1)
  t.match(noRouter.stderr, /minwww: no I2CP router answers at 127\.0\.0\.1:\d+; [^\n]+\n$/)
  const unreadable = runCli(['proxy', '--router', `127.0.0.1:${port}`, '--exits', '/nonexistent/exits', '--json'])
  t.equal(unreadable.status, 1)
  t.match(unreadable.stderr, /^minwww: \/nonexistent\/exits: no such file[^\n]*\n$/)
})

t.test('a port in use is said so', async t => {
  const router = await startService(t, ['router', '--i2cp', '127.0.0.1:0'])
  const taken = runCli(['router', '--i2cp', router.json.i2cp, '--json'])
  t.equal(taken.status, 1)
  t.match(taken.stderr, /^minwww: 127\.0\.0\.1:\d+: the port is already in use[^\n]*\n$/)
})

t.test('keys: new, show, export agree, the file is private and never overwritten', async t => {
  const file = `${temporaryFolder(t)}/exit.dat`
  const made = runCli(['keys', 'new', file, '--json'])
  t.equal(made.status, 0, made.stderr)
  const keys = JSON.parse(made.stdout) as { destination: string, b32: string }
  t.match(keys, { destination: /^[A-Za-z0-9~-]+=*$/, b32: /^[a-z2-7]{52}\.b32\.i2p$/ })
  t.strictSame(JSON.parse(runCli(['keys', 'show', file, '--json']).stdout), keys)
  t.equal(runCli(['keys', 'export', file]).stdout, `${keys.destination}\n`)
  t.equal(runCli(['keys', 'new', file]).status, 1)
})

t.test('config: what is wrong is named', async t => {
  const { writeFileSync } = await import('node:fs')
  const file = `${temporaryFolder(t)}/minwww.toml`
  const check = (text: string) => { writeFileSync(file, text); return runCli(['config', 'check', file]) }
  t.equal(check('[exit]\nlimit-out = 64\n').status, 0)
  t.match(check('[exit]\nlimit_out = 64\n'), { status: 2, stderr: /no setting 'limit_out'/ })
  t.match(check('[nowhere]\n'), { status: 2, stderr: /\[nowhere\] is not a section/ })
  t.match(check('[exit\n'), { status: 2, stderr: /minwww\.toml/ })
  t.match(check('[exit]\nlimit-out = "much"\n'), {
    status: 2, stderr: /^minwww: \S*minwww\.toml:2: \[exit\] limit-out: "much" must be a number[^\n]*\n$/
  })
  t.match(check(
    '[exit]\nupstream = "foo"\nallow-hosts = "nofile"\n'
  ), { status: 2, stderr: /toml:2: \[exit\] upstream: [^]*toml:3: \[exit\] allow-hosts: nofile: / })
})
