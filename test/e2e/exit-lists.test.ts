// A list behind an exit of ours, a proxy that knows its address and nothing else, and the console's page of the exits in Chromium.
import t from 'tap'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { CHROMIUM, screenshot, startBrowser } from './browser.ts'
import { fetchPage, missing, startService, temporaryFolder } from './harness.ts'

t.setTimeout(180_000)

const LOOKS = [
  { look: 'light', viewport: { width: 1100, height: 800 }, colorScheme: 'light' },
  { look: 'dark', viewport: { width: 1100, height: 800 }, colorScheme: 'dark' },
  { look: 'phone', viewport: { width: 390, height: 844 }, colorScheme: 'light' }
] as const

t.test('exits of a list, and the page that shows them', { skip: missing(CHROMIUM) }, async t => {
  let list = ''
  const web = createServer((request, response) => { response.end(request.url === '/exits.txt' ? list : 'a page') })
  web.listen(0, '127.0.0.1')
  await once(web, 'listening')
  t.teardown(() => { web.close() })
  const origin = `http://127.0.0.1:${(web.address() as AddressInfo).port}`
  const router = await startService(t, ['router', '--i2cp', '127.0.0.1:0'])
  const at = ['--router', router.json.i2cp as string]
  const contact = '<b>ops</b>@example.i2p'
  const exits = [
    await startService(t, [
      'exit', ...at, '--site', `web.i2p=${origin}`, '--contact', contact, '--limit-out', '200', '--max-response', '20'
    ]),
    await startService(t, ['exit', ...at, '--site', `web.i2p=${origin}`])
  ]
  list = exits.map(({ json }) => `${String(json.descriptor)}\n`).join('')
  const publisher = await startService(t, ['exit', ...at, '--site', `list.i2p=${origin}`, '--own-sites-only'])
  const proxy = await startService(t, [
    'proxy', ...at, '--proxy', '127.0.0.1:0', '--state', temporaryFolder(t), '--exit-list', `http://${String(publisher.json.b32)}/exits.txt`
  ])
  const page = await fetchPage('http://web.i2p/', proxy.json.proxy)
  t.equal(page.status, 200, 'the first request waits for the first exit')
  t.equal(page.body.toString(), 'a page')

  const browser = await startBrowser(t, proxy.json.proxy)
  const faults: string[] = []
  for (const { look, viewport, colorScheme } of LOOKS) {
    const view = await browser.newPage({ viewport, colorScheme })
    view.on('console', message => { if (message.type() === 'error') faults.push(message.text()) })
    view.on('pageerror', error => faults.push(error.message))
    view.on('dialog', dialog => { dialog.accept().catch(() => {}) })
    await view.goto('http://minwww.i2p/console/exits')
    // A locator: `waitForFunction` with text is eval() from its second look on, and the page's policy forbids that.
    await view.locator('#exits dd').nth(13).waitFor()
    await screenshot(view, `exits-${look}`)
    t.ok(await view.evaluate('document.documentElement.scrollWidth <= window.innerWidth'), `${look}: not wider than the window`)
    const text = await view.locator('main').innerText()
    t.match(text, /ops<\/b>@example\.i2p/, 'what an exit says is text')
    t.match(text, /answers above 20\.0 MB/)
    t.match(text, /Each list alone is enough/)
    t.notMatch(text, /web\.i2p/, 'nothing of what was browsed')
    await view.close()
  }
  const view = await browser.newPage({ viewport: { width: 1100, height: 800 } })
  view.on('dialog', dialog => { dialog.accept().catch(() => {}) })
  await view.goto('http://minwww.i2p/console/exits')
  await view.locator('#exits button', { hasText: 'Pin' }).first().click()
  await view.waitForSelector('#exits button:text-is("Unpin")')
  await view.locator('#exits button', { hasText: 'Ban' }).first().click()
  await view.waitForSelector('#banned code')
  t.equal(await view.locator('#exits li').count(), 1)
  await view.locator('#banned button').click()
  await view.waitForSelector('#bans', { state: 'hidden' })
  await view.locator('#destination').fill(publisher.json.b32 as string)
  await view.keyboard.press('Enter')
  await view.waitForSelector('#exits dd:text-is("its own sites only")')
  t.strictSame(faults, [])
})
