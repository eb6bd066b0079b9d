/**
 * `minwww browse` with the real Firefox and Chromium, on a machine of its own (machine.sh) that seems to have a network: an address,
 * a default route and a name server, all of which lead nowhere. Both are used for a minute, on pages that try everything to get past the
 * proxy, and asked for updates of themselves. tcpdump sees every packet of the machine. Started by browse.test.ts.
 */
import t, { type Test } from 'tap'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { chromium } from 'playwright-core'
import { spawnBound } from './bound-process.ts'
import { CHROMIUM } from './browser.ts'
import { attachFirefox, FIREFOX } from './firefox.ts'
import { CLI, freePort, startService, temporaryFolder } from './harness.ts'

/** How long each browser is used, ms; and how long it may take to start. */
const USE = 60_000
const START = 120_000
const NAME_SERVER = '192.0.2.53'

// Pages ask for addresses behind the router: for those of the machine's own network there would be ARP only.
for (const command of [
  'link add outside type veth peer name nowhere', 'link set nowhere up', 'addr add 192.0.2.1/24 dev outside',
  '-6 addr add 2001:db8::1/64 dev outside nodad', 'link set outside up', 'route add default via 192.0.2.254',
  '-6 route add default via 2001:db8::fe dev outside', 'neigh add 192.0.2.254 lladdr 02:00:00:00:00:fe dev outside nud permanent',
  'neigh add 192.0.2.53 lladdr 02:00:00:00:00:53 dev outside nud permanent',
  '-6 neigh add 2001:db8::fe lladdr 02:00:00:00:00:fe dev outside nud permanent'
]) execFileSync('ip', command.split(' '))
writeFileSync('/etc/resolv.conf', `nameserver ${NAME_SERVER}\n`)

interface Watch {
  /** Every packet so far that is the beginning of a connection, or a datagram: where it went, for example `127.0.0.1:4480 tcp`. */
  seen: () => string[]
  /** True as soon as the packets are so, false if they never are. */
  until: (condition: () => boolean) => Promise<boolean>
}

async function watch (t: Test): Promise<Watch> {
  const args = ['-i', 'any', '-nn', '-l', '-t', '-s', '128', 'tcp or udp']
  const child = spawnBound('/usr/bin/tcpdump', args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const seen: string[] = []
  let look = (): void => {}
  t.teardown(async () => { child.kill('SIGTERM'); await once(child, 'exit') })
  createInterface({ input: child.stdout }).on('line', line => {
    const [, host = '', port = '', rest = ''] = /^\S+ +\S+ +IP6? \S+ > (\S+)\.(\d+): (.*)$/.exec(line) ?? []
    const isTcp = rest.startsWith('Flags ')
    if (host !== '' && (!isTcp || rest.startsWith('Flags [S]'))) seen.push(`${host}:${port} ${isTcp ? 'tcp' : 'udp'}`)
    look()
  })
  await new Promise<void>(resolve => {
    createInterface({ input: child.stderr }).on('line', line => { if (line.includes('listening on')) resolve() })
  })
  return {
    seen: () => [...seen],
    until: async condition => await new Promise<boolean>(resolve => {
      const timer = setTimeout(() => { resolve(false) }, START)
      look = () => {
        if (!condition()) return
        clearTimeout(timer)
        resolve(true)
      }
      look()
    })
  }
}

/** Tries what a page can try to get past a proxy. */
const HOSTILE = `<!doctype html><title>hostile</title><link rel="icon" href="data:,">
<link rel="dns-prefetch" href="//dns-prefetch.example"><link rel="preconnect" href="https://preconnect.example">
<link rel="prefetch" href="http://prefetch.example/"><link rel="preload" as="image" href="http://198.51.100.90/preload.png">
<script type="speculationrules">{"prefetch":[{"source":"list","urls":["http://speculation.example/"]}]}</script>
<img src="http://image.example/x.png" alt=""><img src="http://198.51.100.91/x.png" alt=""><img src="http://[2001:db8:1::91]/x.png" alt="">
<img src="http://localhost:9/x.png" alt=""><img src="http://127.0.0.1:9/x.png" alt=""><img src="https://secure.example/x.png" alt="">
<iframe src="http://frame.example/"></iframe><a id="ping" href="#top" ping="http://ping.example/">ping</a>
<script>
const tries = [
  () => fetch('http://localhost:9/'), () => fetch('https://198.51.100.92/'), () => navigator.sendBeacon('http://beacon.example/', 'x'),
  () => new WebSocket('ws://198.51.100.93:81/'), () => new WebSocket('wss://socket.example/'),
  () => new EventSource('http://events.example/'),
  () => new WebTransport('https://198.51.100.94:443/').ready, () => document.getElementById('ping').click(),
  async () => {
    const connection = new RTCPeerConnection({ iceServers: [{ urls: ['stun:198.51.100.95:3478', 'stun:stun.example:3478'] },
      { urls: ['turn:198.51.100.96:3478?transport=tcp', 'turn:198.51.100.96:3478'], username: 'u', credential: 'c' }] })
    connection.createDataChannel('x')
    await connection.setLocalDescription(await connection.createOffer())
    await connection.addIceCandidate({ candidate: 'candidate:1 1 udp 2122260223 198.51.100.97 9 typ host', sdpMid: '0' }).catch(() => {})
  }
]
for (const attempt of tries) { try { Promise.resolve(attempt()).catch(() => {}) } catch {} }
</script>`

/** A web server that the exit serves as mysite.i2p. */
async function startSite (t: Test): Promise<{ origin: string, port: number, asked: () => number }> {
  let asked = 0
  const server = createServer((request: IncomingMessage, response) => {
    asked++
    response.setHeader('Content-Type', 'text/html').setHeader('Cache-Control', 'no-store').end(HOSTILE)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => { server.closeAllConnections(); server.close() })
  const { port } = server.address() as AddressInfo
  return { origin: `http://127.0.0.1:${port}`, port, asked: () => asked }
}

interface Browsing { proxy: number, debug: string, stop: () => Promise<unknown> }

/** Runs `minwww browse`, which starts its own proxy, and waits until its browser can be led. */
async function browse (t: Test, args: string[], browserArgs: string[], ready: RegExp): Promise<Browsing> {
  const proxy = await freePort()
  const profile = join(temporaryFolder(t), 'profile')
  mkdirSync(profile)
  // The list of settings that Firefox has for tests would hide what ours leave out.
  writeFileSync(join(profile, 'prefs.js'), 'user_pref("remote.prefs.recommended", false);\n')
  const all = [CLI, 'browse', '--proxy', `127.0.0.1:${proxy}`, '--profile', profile, ...args, 'http://mysite.i2p/', '--', ...browserArgs]
  const env = { ...process.env, HOME: profile, XDG_RUNTIME_DIR: profile }
  const child = spawnBound(process.execPath, all, { stdio: ['ignore', 'pipe', 'pipe'], env, deathSignal: 'TERM' })
  const exit = once(child, 'exit')
  const stop = async (): Promise<unknown> => {
    child.kill('SIGTERM')
    return await exit
  }
  t.teardown(stop)
  let said = ''
  const debug = await new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => { reject(new Error(`${args.join(' ')}: not ready: ${said}`)) }, START)
    exit.then(() => { reject(new Error(`ended: ${said}`)) }, reject)
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', line => {
        said = `${said}${line}\n`.slice(-4_000)
        const [, url] = ready.exec(line) ?? []
        if (url === undefined) return
        clearTimeout(timer)
        resolve(url)
      })
    }
  })
  return { proxy, debug, stop }
}

const PAGES = [
  'http://minwww.i2p/', 'http://minwww.i2p/did-it-work', 'http://mysite.i2p/', 'http://nobody-knows.i2p/', 'http://web.example/',
  'https://secure.example/', 'http://198.51.100.80/', 'http://localhost:9/', 'http://mysite.i2p/?again'
]

/** Opens page after page until the time is over. */
async function use (open: (url: string) => Promise<unknown>): Promise<number> {
  let opened = 0
  for (const end = performance.now() + USE; performance.now() < end;) {
    await open(PAGES[opened++ % PAGES.length]!).catch(() => {}) // an https page that the exit refuses is no page
  }
  return opened
}

/** Everything that Firefox has to ask of its maker, asked for. */
const FIREFOX_CALLS = `(async () => {
  const module = name => ChromeUtils.importESModule(name)
  const calls = {
    update: () => Cc['@mozilla.org/updates/update-service;1']?.getService(Ci.nsIApplicationUpdateService).checkForBackgroundUpdates(),
    addons: () => module('resource://gre/modules/AddonManager.sys.mjs').AddonManagerPrivate.backgroundUpdateCheck(),
    settings: () => module('resource://services-settings/remote-settings.sys.mjs').RemoteSettings.pollChanges(),
    telemetry: () => module('resource://gre/modules/TelemetryController.sys.mjs').TelemetryController.submitExternalPing('test', {}),
    portal: () => Cc['@mozilla.org/network/captive-portal-service;1'].getService(Ci.nsICaptivePortalService).recheckCaptivePortal(),
    safeBrowsing: () => {
      const { SafeBrowsing } = module('resource://gre/modules/SafeBrowsing.sys.mjs')
      SafeBrowsing.init()
      const lists = Cc['@mozilla.org/url-classifier/listmanager;1'].getService(Ci.nsIUrlListManager)
      return lists.checkForUpdates('https://safebrowsing.googleapis.com/v4/threatListUpdates:fetch')
    },
    region: () => module('resource://gre/modules/Region.sys.mjs').Region._fetchRegion(),
    speculative: () => Services.io.speculativeConnect(
      Services.io.newURI('https://speculative.example/'), Services.scriptSecurityManager.getSystemPrincipal(), null, false)
  }
  const outcomes = {}
  for (const [name, call] of Object.entries(calls)) {
    try { Promise.resolve(call()).catch(() => {}); outcomes[name] = 'tried' } catch (error) { outcomes[name] = String(error) }
  }
  return outcomes
})()`

t.test('a minute of Firefox, and of Chromium: nothing goes anywhere but to the proxy', async t => {
  const { seen } = await watch(t)
  const site = await startSite(t)
  const router = await startService(t, ['router', '--i2cp', '127.0.0.1:0', '--latency', '5'])
  const i2cp = ['--router', router.json.i2cp as string]
  const exit = await startService(t, ['exit', ...i2cp, '--site', `mysite.i2p=${site.origin}`, '--own-sites-only'])
  const pool = [...i2cp, '--exit', exit.json.b32 as string]
  const [fox, chrome] = await Promise.all([
    browse(t, ['--browser', 'firefox', ...pool], ['--headless', '--remote-debugging-port', '0', '--remote-allow-system-access'],
      /WebDriver BiDi listening on (ws:\S+)/),
    browse(t, ['--browser', 'chromium', ...pool], ['--headless=new', '--no-sandbox', '--disable-gpu', '--remote-debugging-port=0',
      '--component-updater=fast-update', '--check-for-update-interval=5'], /DevTools listening on (ws:\S+)/)
  ])
  const firefox = await attachFirefox(fox.debug)
  const browser = await chromium.connectOverCDP(chrome.debug)
  const page = await browser.contexts()[0]!.newPage()
  t.comment(`Firefox ${firefox.version}, Chromium ${browser.version()}`)
  const window = await firefox.window()
  t.comment('asked of Firefox', await window.evaluate(FIREFOX_CALLS))
  await page.goto('chrome://components').catch(() => {})
  await page.evaluate('document.querySelectorAll("button").forEach(button => button.click())').catch(() => {})

  const opened = await Promise.all([use(firefox.page.open), use(async url => await page.goto(url, { timeout: 20_000 }))])
  t.comment(`pages opened in ${USE / 1000} s: Firefox ${opened[0]}, Chromium ${opened[1]}; the site was asked ${site.asked()} times`)
  t.ok(opened.every(count => count >= PAGES.length), 'each page was opened')
  t.ok(site.asked() > 2, 'the hostile page was loaded')

  await firefox.page.open('http://minwww.i2p/did-it-work')
  t.equal(await firefox.page.evaluate('document.querySelector("h1").textContent'), 'It works')
  await page.goto('http://minwww.i2p/did-it-work')
  await page.waitForSelector('#script dt:text-is("WebRTC")')
  t.equal(await page.textContent('h1'), 'It works')
  t.match(await page.textContent('#script dt:text-is("WebRTC") + dd'), /does not connect past the proxy/)

  // The proxies and the exit have their own connections, on ports that no browser knows of.
  const ports = [fox.proxy, chrome.proxy, Number(new URL(fox.debug).port), Number(new URL(chrome.debug).port), site.port,
    Number((router.json.i2cp as string).split(':').at(-1))]
  const allowed = new Set(ports.map(port => `127.0.0.1:${port} tcp`))
  const packets = seen()
  t.ok(packets.filter(packet => packet === `127.0.0.1:${fox.proxy} tcp`).length > 0, 'tcpdump sees Firefox')
  t.ok(packets.filter(packet => packet === `127.0.0.1:${chrome.proxy} tcp`).length > 0, 'and Chromium')
  t.strictSame([...new Set(packets.filter(packet => !allowed.has(packet)))], [], `of ${packets.length} connections`)
  await browser.close().catch(() => {})
  for (const { stop, proxy } of [fox, chrome]) {
    t.strictSame(await stop(), [0, null])
    await t.rejects(fetch(`http://127.0.0.1:${proxy}/healthz`), 'the proxy that was started has ended too')
  }
})

t.test('this watch can see: browsers that are not set look names up, and connect', async t => {
  const { seen, until } = await watch(t)
  const profile = temporaryFolder(t)
  for (const [program, args] of [
    [CHROMIUM, ['--headless=new', '--no-sandbox', '--disable-gpu', `--user-data-dir=${profile}/c`, 'http://198.51.100.80/']],
    [FIREFOX, ['--headless', '--no-remote', '--profile', join(profile, 'f'), 'http://198.51.100.80/']]
  ] as const) {
    if (program === FIREFOX) mkdirSync(join(profile, 'f'))
    const before = seen().length
    const child = spawnBound(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, HOME: profile } })
    const ended = once(child, 'exit')
    const foreign = (): string[] => seen().slice(before).filter(packet => !packet.startsWith('127.'))
    const isSeen = (): boolean => foreign().includes('198.51.100.80:80 tcp') && foreign().includes(`${NAME_SERVER}:53 udp`)
    t.ok(await until(isSeen), `${program}: ${[...new Set(foreign())].join(', ')}`)
    child.kill('SIGKILL')
    await ended
  }
})

t.test('a temporary profile goes with the browser; a proxy that runs is used, and stays', async t => {
  const demo = await startService(t, ['demo', '--proxy', '127.0.0.1:0', '--latency', '5'])
  const proxy = new URL(demo.json.proxy as string).host
  const temporary = temporaryFolder(t)
  const headless = ['--headless=new', '--no-sandbox', '--disable-gpu', '--dump-dom']
  const args = [CLI, 'browse', '--proxy', proxy, '--browser', 'chromium', '--temporary', 'demo.i2p', '--json', '--', ...headless]
  const child = spawnBound(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, TMPDIR: temporary } })
  const [line] = await once(child.stdout, 'data') as [Buffer]
  const { profile, url } = JSON.parse(line.toString()) as { profile: string, url: string }
  t.ok(profile.startsWith(temporary))
  t.equal(url, 'http://demo.i2p/')
  t.strictSame(await once(child, 'exit'), [0, null])
  t.notOk(existsSync(profile))
  t.strictSame(readdirSync(temporary).filter(name => name.startsWith('minwww')), [])
  t.equal(demo.child.exitCode, null, 'the proxy was there before')
  t.ok(readFileSync('/proc/1/cmdline', 'utf8').includes('browse.ts'), 'on a machine of its own')
})
