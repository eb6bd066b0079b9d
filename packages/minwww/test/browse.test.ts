import t from 'tap'
import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createTcpServer, type AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { chromiumOptions, mergeSettings } from '../src/browse/chromium-settings.ts'
import { findBrowser } from '../src/browse/find-browser.ts'
import { firefoxSettings, userFile } from '../src/browse/firefox-settings.ts'
import { overruled } from '../src/browse/overruled.ts'
import { openProfile, prepare } from '../src/browse/profile.ts'
import { isProxyAt } from '../src/browse/running-proxy.ts'
import { createProgram } from '../src/index.ts'

const PROXY = { host: '127.0.0.1', port: 4480 }
const HOME = 'http://minwww.i2p/'

t.test('every setting of the guide is in the profile', async t => {
  const guide = readFileSync(new URL('../../../docs/guide/browsing.md', import.meta.url), 'utf8')
  const settings = firefoxSettings(PROXY, HOME)
  const rows = [...guide.matchAll(/^\| (`[^|]+) \| ([^|]+) \|/gm)].flatMap(([, names = '', value = '']) =>
    [...names.matchAll(/`([^`]+)`/g)].map(([, name = '']): [string, boolean] => [name, value.startsWith('true')]))
    .filter(([name]) => /^[a-z]+(?:\.[\w-]+)+$/.test(name))
  t.ok(rows.length >= 6, `${rows.length} entries`)
  for (const [name, value] of rows) t.equal(settings[name], value, name)
  const [command = ''] = /^chromium .*$/m.exec(guide) ?? []
  const options = command.split(' ').filter(word => word.startsWith('--') && !word.startsWith('--user-data-dir'))
  t.ok(options.length >= 3, `${options.length} options`)
  for (const option of options) t.ok(chromiumOptions(PROXY, '/profile').includes(option), option)
})

t.test('the file of a Firefox profile is JavaScript that says each setting once', async t => {
  const set = new Map<string, unknown>()
  // eslint-disable-next-line no-new-func -- as Firefox reads it
  new Function('user_pref', userFile(firefoxSettings({ host: '::1', port: 1 }, 'http://a"b.i2p/')))((name: string, value: unknown) => {
    t.notOk(set.has(name), name)
    set.set(name, value)
  })
  t.equal(set.get('network.proxy.http'), '::1')
  t.equal(set.get('browser.startup.homepage'), 'http://a"b.i2p/')
})

t.test('settings are put into a profile that is in use, and the rest of it stays', async t => {
  t.strictSame(
    mergeSettings({ a: { b: 1, c: 2 }, d: [3], own: 'x' }, { a: { b: 5 }, d: [4], e: { f: 6 } }),
    { a: { b: 5, c: 2 }, d: [4], own: 'x', e: { f: 6 } }
  )
  t.strictSame(mergeSettings('damaged', { a: 1 }), { a: 1 })
  const folder = t.testdir()
  mkdirSync(join(folder, 'Default'))
  const before = { webrtc: { ip_handling_policy: 'default' }, bookmark_bar: { show: true } }
  writeFileSync(join(folder, 'Default/Preferences'), JSON.stringify(before))
  writeFileSync(join(folder, 'Local State'), '{"half of')
  const { args } = prepare({ family: 'chromium', program: '/usr/bin/chromium' }, folder, PROXY, HOME)
  t.ok(args.includes('--proxy-server=http://127.0.0.1:4480'))
  const preferences = JSON.parse(readFileSync(join(folder, 'Default/Preferences'), 'utf8')) as Record<string, Record<string, unknown>>
  t.match(preferences, { webrtc: { ip_handling_policy: 'disable_non_proxied_udp' }, bookmark_bar: { show: true } })
  t.match(JSON.parse(readFileSync(join(folder, 'Local State'), 'utf8')), { dns_over_https: { mode: 'off' } })
  const fresh = t.testdir()
  prepare({ family: 'chromium', program: '/usr/bin/chromium' }, fresh, PROXY, HOME)
  t.equal(statSync(join(fresh, 'Local State')).mode & 0o777, 0o600)
})

t.test('a profile: kept, named, or temporary', async t => {
  const home = t.testdir()
  t.teardown(() => { delete process.env.XDG_DATA_HOME })
  process.env.XDG_DATA_HOME = home
  if (process.platform === 'linux') {
    const kept = openProfile('firefox', undefined, false)
    t.match(kept, { folder: join(home, 'minwww/browse/firefox'), isNew: true })
    writeFileSync(join(kept.folder, 'prefs.js'), '')
    kept.remove()
    t.equal(openProfile('firefox', undefined, false).isNew, false)
    t.equal(statSync(kept.folder).mode & 0o777, 0o700)
  }
  const temporary = openProfile('chromium', undefined, true)
  t.ok(statSync(temporary.folder).isDirectory())
  temporary.remove()
  t.throws(() => statSync(temporary.folder), { code: 'ENOENT' })
  writeFileSync(join(home, 'file'), '')
  t.throws(() => openProfile('firefox', join(home, 'file'), false), { message: /file: .*--profile/ })
})

t.test('finding a browser', async t => {
  const here = (...programs: string[]) =>
    ({ platform: 'linux', path: '/a:/b:relative', isProgram: (file: string) => programs.includes(file) })
  t.strictSame(findBrowser(undefined, here('/b/firefox', '/a/chromium')), { family: 'firefox', program: '/b/firefox' })
  t.strictSame(findBrowser(undefined, here('/a/chromium')), { family: 'chromium', program: '/a/chromium' })
  t.strictSame(findBrowser('chromium', here('/b/firefox', '/b/google-chrome')), { family: 'chromium', program: '/b/google-chrome' })
  t.strictSame(findBrowser('/opt/librewolf', here('/opt/librewolf')), { family: 'firefox', program: '/opt/librewolf' })
  t.strictSame(findBrowser('brave-browser', here('/a/brave-browser')), { family: 'chromium', program: '/a/brave-browser' })
  t.throws(() => findBrowser(undefined, here('relative/firefox')), { message: /neither Firefox nor Chromium was found/ })
  t.throws(() => findBrowser('firefox', here('/a/chromium')), { message: /firefox was not found/ })
  t.throws(() => findBrowser('/a/lynx', here('/a/lynx')), { message: /neither a Firefox nor a Chromium/ })
  t.throws(() => findBrowser('nothing', here()), { message: /nothing is no program/ })
})

t.test('what the administrator has set is said', async t => {
  const root = t.testdir()
  const put = (file: string, content: string): void => {
    mkdirSync(dirname(join(root, file)), { recursive: true })
    writeFileSync(join(root, file), content)
  }
  const policies = { Proxy: { Mode: 'none' }, DisablePocket: true, Preferences: { 'network.trr.mode': { Value: 2 }, 'browser.theme': {} } }
  put('etc/firefox/policies/policies.json', JSON.stringify({ policies }))
  put('etc/chromium/policies/managed/a.json', '{"ProxyMode":"direct","BookmarkBarEnabled":true}')
  put('etc/chromium/policies/managed/b.json', 'no json')
  put('etc/chromium/policies/managed/c.txt', '{"ProxyMode":1}')
  put('etc/chromium.d/flags', '# --no-proxy-server\nCHROMIUM_FLAGS="$CHROMIUM_FLAGS --proxy-pac-url=http://a/"\n')
  put('etc/chromium.d/other', 'x="--enable-gpu"\n')
  put('usr/lib/firefox-esr/mozilla.cfg', '//\nlockPref("media.peerconnection.enabled", true);\nlockPref("a.b", 1);\n')
  const settings = firefoxSettings(PROXY, HOME)
  t.strictSame(overruled({ family: 'firefox', program: '/usr/bin/firefox' }, settings, root), [
    `${root}/etc/firefox/policies/policies.json: the policy Proxy`,
    `${root}/etc/firefox/policies/policies.json: the policy network.trr.mode`,
    `${root}/usr/lib/firefox-esr/mozilla.cfg: media.peerconnection.enabled is locked`
  ])
  t.strictSame(overruled({ family: 'chromium', program: '/usr/bin/chromium' }, settings, root), [
    `${root}/etc/chromium/policies/managed/a.json: the policy ProxyMode`,
    `${root}/etc/chromium.d/flags: the option --proxy-pac-url=http://a/`
  ])
  for (const family of ['firefox', 'chromium'] as const) t.strictSame(overruled({ family, program: '/x' }, settings, t.testdir()), [])
})

t.test('whether a proxy runs: none, one, and something else', async t => {
  const answers = { '/healthz': '{"ready":false,"state":"building"}' } as Record<string, string>
  const server = createServer((request, response) => { response.writeHead(503).end(answers[request.url ?? '']) })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = { host: '127.0.0.1', port: (server.address() as AddressInfo).port }
  t.equal(await isProxyAt(address), true, 'not ready yet is a proxy all the same')
  for (const other of ['', 'ok', '{"ready":true}', `{"ready":true,"state":"x","more":"${'x'.repeat(100_000)}"}`]) {
    answers['/healthz'] = other
    await t.rejects(isProxyAt(address), { message: /no MinWWW proxy; choose another address/ }, other.slice(0, 20))
  }
  server.close()
  server.closeAllConnections()
  await new Promise(resolve => server.once('close', resolve))
  t.equal(await isProxyAt(address), false)
  const rude = createTcpServer(socket => { socket.end('SSH-2.0-x\r\n') })
  await new Promise<void>(resolve => rude.listen(0, '127.0.0.1', resolve))
  t.teardown(() => { rude.close() })
  await t.rejects(isProxyAt({ host: '127.0.0.1', port: (rude.address() as AddressInfo).port }), { message: /no MinWWW proxy/ })
})

t.test('an address behind the options of the proxy is not taken for one of them', async t => {
  const browse = createProgram().commands.find(command => command.name() === 'browse')!
  browse.action(() => {})
  await browse.parseAsync(['node', 'minwww', '--exit', 'a.i2p', '--exit', 'b.i2p', 'demo.i2p', '--', '--headless'])
  t.strictSame(browse.opts().exit, ['a.i2p', 'b.i2p'])
  t.strictSame(browse.args, ['demo.i2p', '--headless'])
  t.notOk(readdirSync('.').includes('--headless'))
})
