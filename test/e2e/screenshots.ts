/**
 * Takes pictures of every page that people see, in light, in dark and 390 px wide, into artifacts/screenshots: to be looked at.
 * With REPORT=FOLDER, of `minwww bench --out FOLDER`, the report as well, and as PDF:
 * TS_NODE_PROJECT=tsconfig.test.json npx tap --disable-coverage --allow-empty-coverage --timeout=300 test/e2e/screenshots.ts
 */
import t, { type Test } from 'tap'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { ARTIFACTS, startBrowser } from './browser.ts'
import { fetchPage, freePort, startService } from './harness.ts'
import { startWebSite } from './web-site.ts'

const FOLDER = join(ARTIFACTS, 'screenshots')
const LOOKS = [
  { look: 'light', viewport: { width: 1100, height: 800 }, colorScheme: 'light' },
  { look: 'dark', viewport: { width: 1100, height: 800 }, colorScheme: 'dark' },
  { look: 'phone', viewport: { width: 390, height: 844 }, colorScheme: 'light' }
] as const
const PHONE_SCREENS = 3
/** A Destination that nobody has. */
const OTHER = 'A'.repeat(512) + 'BQAEAAcAAA=='

mkdirSync(FOLDER, { recursive: true })

/** One page in all looks; none may be wider than its window. */
async function pictures (t: Test, browser: Browser, name: string, url: string, ready?: string): Promise<void> {
  for (const { look, viewport, colorScheme } of LOOKS) {
    const page = await browser.newPage({ viewport, colorScheme })
    await page.goto(url)
    if (ready !== undefined) await page.waitForSelector(ready)
    await page.evaluate('new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(() => resolve(0))))')
    await page.screenshot({ path: join(FOLDER, `${name}-${look}.png`), fullPage: true })
    t.ok(await width(page) <= viewport.width, `${name}, ${look}: ${await width(page)} px wide`)
    if (look === 'phone') t.comment(`${name}: ${await height(page)} px high on a phone`)
    if (look === 'phone' && name.includes('console')) t.ok(await height(page) <= PHONE_SCREENS * viewport.height)
    await page.close()
  }
}

const width = async (page: Page): Promise<number> => await page.evaluate('document.documentElement.scrollWidth')
const height = async (page: Page): Promise<number> => await page.evaluate('document.documentElement.scrollHeight')

t.test('pages of the proxy and the consoles', async t => {
  const site = await startWebSite(t)
  const router = await startService(t, ['router', '--i2cp', '127.0.0.1:0', '--latency', '20'])
  const i2cp = ['--router', router.json.i2cp as string]
  const operator = `127.0.0.1:${await freePort()}`
  const limits = ['--console', operator, '--limit-out', '64', '--quota-day', '100']
  const exits = [
    await startService(t, ['exit', ...i2cp, '--site', `web.i2p=${site.origin}`, ...limits]),
    await startService(t, ['exit', ...i2cp, '--site', `web.i2p=${site.origin}`])
  ]
  const nobody = `${'a'.repeat(52)}.b32.i2p`
  const pool = exits.flatMap(exit => ['--exit', exit.json.destination as string])
  const proxy = await startService(t, ['proxy', ...i2cp, '--proxy', '127.0.0.1:0', ...pool])
  const browser = await startBrowser(t, proxy.json.proxy)
  const direct = await startBrowser(t)

  for (const path of ['form', 'cached', 'cached', 'socket', 'nothing']) await fetchPage(`http://web.i2p/${path}`, proxy.json.proxy)
  await fetchPage('http://10.0.0.1/', proxy.json.proxy)
  await pictures(t, browser, 'start', 'http://minwww.i2p/')
  await pictures(t, browser, 'did-it-work', 'http://minwww.i2p/did-it-work', '#script dt:text-is("WebRTC")')
  await pictures(t, direct, 'did-it-work-directly', `${String(proxy.json.proxy)}/did-it-work`, '#script dt:text-is("WebRTC")')
  await pictures(t, browser, 'error-private', 'http://10.0.0.1/')
  await pictures(t, browser, 'error-unknown', 'http://unknown-name.i2p/')
  await pictures(t, browser, 'error-offline', `http://${nobody}/`)
  await pictures(t, browser, 'name', `http://new.i2p/?i2paddresshelper=${OTHER}`, 'form button')
  await pictures(t, browser, 'name-conflict', `http://web.i2p/?i2paddresshelper=${OTHER}`, 'form button')
  await pictures(t, direct, 'exit-console', `http://${operator}/`, '#traffic canvas')
  await browser.newPage().then(async page => {
    await page.goto('http://minwww.i2p/console')
    await page.locator('#destination').fill(nobody)
    await page.keyboard.press('Enter')
    await page.waitForSelector('#exits td:text-matches("not found")', { timeout: 60_000 })
    await page.close()
  })
  await pictures(t, browser, 'console', 'http://minwww.i2p/console', '#requests td.long')

  for (const exit of exits) await exit.stop('SIGKILL')
  await pictures(t, browser, 'error-silent', 'http://web.i2p/form?late')
  await pictures(t, browser, 'console-silent', 'http://minwww.i2p/console', '#state.bad')
  await pictures(t, browser, 'start-silent', 'http://minwww.i2p/')
})

t.test('the demo: what it is for, in the first screen', async t => {
  const demo = await startService(t, ['demo', '--proxy', '127.0.0.1:0'])
  const browser = await startBrowser(t, demo.json.proxy)
  await browser.newPage().then(async page => {
    await page.goto('http://minwww.i2p/')
    await page.waitForSelector('.gain meter', { timeout: 120_000 })
    for (const { look, viewport, colorScheme } of LOOKS) {
      await page.setViewportSize(viewport)
      await page.emulateMedia({ colorScheme })
      const box = await page.locator('.gain').boundingBox()
      t.ok(box !== null && box.y + box.height < viewport.height, `${look}: in the first screen`)
      await page.screenshot({ path: join(FOLDER, `demo-first-screen-${look}.png`) })
    }
    await page.close()
  })
  await pictures(t, browser, 'demo-start', 'http://minwww.i2p/', '.gain meter')
  await pictures(t, browser, 'demo-site', 'http://demo.i2p/', '#timing tr')
  for (const { look, viewport, colorScheme } of LOOKS) {
    const page = await browser.newPage({ viewport, colorScheme })
    await page.goto('http://demo.i2p/race.html')
    for (const frame of page.frames().slice(1)) await frame.locator('#time').filter({ hasText: / s$/ }).waitFor()
    await page.screenshot({ path: join(FOLDER, `demo-race-${look}.png`), fullPage: true })
    t.ok(await width(page) <= viewport.width, `${look}: ${await width(page)} px wide`)
    await page.close()
  }
})

t.test('the report of the benchmark', { skip: process.env.REPORT === undefined && 'no REPORT=FOLDER' }, async t => {
  const browser = await startBrowser(t)
  const url = pathToFileURL(join(process.env.REPORT ?? '', 'report.html')).href
  await pictures(t, browser, 'report', url)
  const page = await browser.newPage()
  await page.goto(url)
  await page.pdf({ path: join(FOLDER, 'report.pdf'), format: 'A4' })
})
