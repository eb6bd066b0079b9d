import t from 'tap'
import { documentationTree, missing, startNginx, startService } from './harness.ts'
import { CHROMIUM, screenshot, startBrowser } from './browser.ts'

const documentation = documentationTree()
const skip = missing(CHROMIUM, '/usr/sbin/nginx', documentation ?? '/usr/share/doc/python3.11/html')

t.test('Chromium through the proxy', { skip }, async t => {
  const origin = await startNginx(t, documentation ?? '')
  const demo = await startService(t, ['demo', '--proxy', '127.0.0.1:0', '--latency', '20', '--loss', '0.2', '--site', `docs.i2p=${origin}`])
  const browser = await startBrowser(t, demo.json.proxy as string)
  const page = await browser.newPage({ viewport: { width: 1000, height: 800 } })

  await t.test('the built-in site, with style, script and pictures', async t => {
    await page.goto('http://demo.i2p/', { waitUntil: 'load' })
    t.equal(await page.title(), 'MinWWW demo')
    t.ok(await page.evaluate(() => [...document.images].every(image => image.naturalWidth > 0)), 'pictures are shown')
    t.ok(await page.evaluate(() => document.querySelectorAll('#timing tr').length) >= 3, 'the script ran')
    await screenshot(page, 'demo-site')
    await page.click('text=why two traversals')
    await page.waitForURL('**/steps.html')
    t.equal(await page.textContent('h1'), 'Two traversals instead of ten')
  })

  await t.test('a documentation tree from Debian', async t => {
    const response = await page.goto('http://docs.i2p/tutorial/index.html', { waitUntil: 'load' })
    t.equal(response?.status(), 200)
    t.match(await page.textContent('h1'), /Tutorial/)
    await screenshot(page, 'documentation')
  })

  await t.test('an error page', async t => {
    const response = await page.goto('http://10.0.0.1/')
    t.equal(response?.status(), 403)
    await screenshot(page, 'error-refused')
  })

  await t.test('the start page', async t => {
    const response = await page.goto('http://minwww.i2p/')
    t.equal(response?.status(), 200)
    await screenshot(page, 'start-page')
  })
})
