import t, { type Test } from 'tap'
import { readFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { CHROMIUM } from './browser.ts'
import { fetchPage, missing, startService, temporaryFolder } from './harness.ts'

/** Names that look like something that need not go through the proxy, and are names that anybody can register or make up. */
const TRICKY = [
  '127.evil.example', '127.0.evil.example', '127.0.0.evil.example', '127.0.0.1.example', '1.127.0.0.1.example', '127.example',
  '10.1.evil.example', '192.168.evil.example', '169.254.evil.example', '0.example',
  'localhost.example', 'localhost.evil.example', 'notlocalhost', 'localhosts', '127.xn--bcher-kva.example',
  '127.foo.i2p', '127.0.0.1.i2p', 'localhost.i2p', 'foo.i2p.', 'fooi2p', 'evil-i2p', 'x.evili2p',
  'i2p.example', 'foo.i2p.evil.example', 'router', 'wpad'
]
/** These are none at all: a browser must not make something of a part of them. */
const BROKEN = ['[::1].example', '[::1', '127.0.0.1:x', '127.1.2.3.4']

interface NetLog {
  constants: { logEventTypes: Record<string, number> }
  events: Array<{ type: number, params?: { host?: string, address?: string } }>
}

t.test('Chromium with the automatic configuration goes nowhere but to the proxy', { skip: missing(CHROMIUM) }, async t => {
  const demo = await startService(t, ['demo', '--proxy', '127.0.0.1:0', '--latency', '1', '--loss', '0'])
  const proxy = demo.json.proxy as string
  const catcher = await caught(t)
  const log = join(temporaryFolder(t), 'net-log.json')
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update',
      '--disable-sync',
      `--proxy-pac-url=${proxy}/proxy.pac`, `--log-net-log=${log}`,
      // Every name that is looked up leads to a server of ours; the proxy itself is reached by its address.
      `--host-resolver-rules=MAP * 127.0.0.1:${catcher.port} , EXCLUDE 127.0.0.1`]
  })
  t.teardown(async () => { await browser.close() })

  const page = await browser.newPage()
  await page.goto('http://minwww.i2p/did-it-work', { waitUntil: 'load' })
  t.equal(await page.textContent('p.good'), 'This page came through the proxy: your browser is set.')
  const tags = [...TRICKY, ...BROKEN].map(host =>
    `<link rel="dns-prefetch" href="//${host}"><link rel="preconnect" href="http://${host}">` +
    `<img src="http://${host}/picture?${encodeURIComponent(host)}">`)
  const other = await browser.newPage()
  await other.setContent(tags.join('\n'), { waitUntil: 'load' })
  for (const host of ['127.evil.example', 'localhost.example', '127.foo.i2p']) await other.goto(`http://${host}/page`)
  await browser.close()

  const { done } = JSON.parse((await fetchPage(`${proxy}/console/state`)).body.toString()) as { done: Array<{ url: string }> }
  const asked = done.map(({ url }) => /^http:\/\/([^/]+)/.exec(url)?.[1] ?? url)
  const names = TRICKY.map(host => host.replace(/\.$/, ''))
  t.strictSame(names.filter(host => !asked.some(one => one.replace(/\.$/, '') === host)), [], 'each was asked of the proxy')
  t.strictSame(catcher.heads, [], 'nothing went past it')
  const { hosts, addresses } = readLog(log)
  t.strictSame(names.filter(name => hosts.some(host => host.includes(name))), [], 'no name was looked up')
  t.strictSame(addresses.filter(address => address !== new URL(proxy).host), [], 'no other address was connected to')
  t.ok(addresses.length > 0, 'the log has connections')
  t.comment(`${names.length} names, ${asked.length} requests, ${addresses.length} connections, all to the proxy`)
})

/** A server for what must not happen. */
async function caught (t: Test): Promise<{ port: number, heads: string[] }> {
  const heads: string[] = []
  const server = createServer(socket => {
    socket.on('error', () => {})
    socket.once('data', data => {
      heads.push(String(data).split('\r\n\r\n', 1)[0] ?? '')
      socket.destroy()
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(async () => { await new Promise(resolve => server.close(resolve)) })
  return { port: (server.address() as AddressInfo).port, heads }
}

/** Names that Chromium looked up, and addresses to which it opened TCP connections, by its own log. */
function readLog (file: string): { hosts: string[], addresses: string[] } {
  const { constants, events } = JSON.parse(readFileSync(file, 'utf8')) as NetLog
  const of = (name: string): NetLog['events'] => events.filter(({ type }) => type === constants.logEventTypes[name])
  const lookups = Object.keys(constants.logEventTypes).filter(name => /^HOST_RESOLVER_|^DNS_/.test(name))
  return {
    hosts: lookups.flatMap(of).map(({ params }) => params?.host ?? '').filter(host => host !== ''),
    addresses: of('TCP_CONNECT_ATTEMPT').map(({ params }) => params?.address ?? '').filter(address => address !== '')
  }
}
