import t from 'tap'
import type { Page } from 'playwright-core'
import { fetchPage, freePort, missing, startService } from './harness.ts'
import { CHROMIUM, screenshot, startBrowser } from './browser.ts'

/** What the keyboard is on: its text or name, and whether that is to be seen. */
async function focused (page: Page): Promise<{ name: string, visible: boolean }> {
  return await page.evaluate(() => {
    const element = document.activeElement as HTMLElement
    const name = element.getAttribute('aria-label') ?? element.id
    const { outlineStyle, outlineWidth } = getComputedStyle(element)
    return {
      name: name === '' ? element.textContent?.trim() ?? '' : name, visible: outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2
    }
  })
}

/** Everything that Tab reaches from the top of the page, in order. */
async function tabOrder (page: Page, end: string): Promise<string[]> {
  const names: string[] = []
  for (let steps = 0; steps < 40 && names.at(-1) !== end; steps++) {
    await page.keyboard.press('Tab')
    const { name, visible } = await focused(page)
    names.push(visible ? name : `${name}: focus is not visible`)
  }
  return names
}

/** Whether the page is wider than the window. */
const overflows = async (page: Page): Promise<boolean> => await page.evaluate(
  () => document.documentElement.scrollWidth > window.innerWidth
)

t.test('the console of the proxy', { skip: missing(CHROMIUM) }, async t => {
  const demo = await startService(t, ['demo', '--proxy', '127.0.0.1:0', '--exits', '2', '--latency', '10', '--loss', '0.2'])
  for (const path of ['', 'steps.html', 'nothing', '']) await fetchPage(`http://demo.i2p/${path}`, demo.json.proxy)
  await fetchPage('http://10.0.0.1/', demo.json.proxy)
  const browser = await startBrowser(t, demo.json.proxy)
  const page = await browser.newPage({ viewport: { width: 1100, height: 800 } })
  page.on('dialog', dialog => { dialog.accept().catch(() => {}) })
  const faults: string[] = []
  page.on('console', message => { if (message.type() === 'error') faults.push(message.text()) })
  page.on('pageerror', error => faults.push(error.message))

  await t.test('is used with the keyboard alone', async t => {
    await page.goto('http://minwww.i2p/console')
    await page.waitForSelector('#requests td:text-is("message")')
    const name = await page.locator('#exits tbody tr')
      .evaluateAll(rows => rows.map(row => row.querySelector('button')?.getAttribute('aria-label') ?? ''))
    t.equal(name.length, 2)
    const order = await tabOrder(page, 'clear')
    t.strictSame(order.slice(0, 2), ['Start page', 'Metrics'])
    t.strictSame(order.filter(entry => /not visible/.test(entry)), [])
    t.equal(order.filter(entry => /^(?:Take|Drop) exit/.test(entry)).length, 4)
    t.ok(order.indexOf('destination') > order.indexOf(name[1] ?? '-'), order.join(' | '))
    t.equal(order.at(-1), 'clear')

    await page.locator('#exits button', { hasText: 'Drain' }).first().focus()
    await page.keyboard.press('Enter')
    await page.waitForSelector('#exits td:text-is("drained")')
    await page.locator('#exits button', { hasText: 'Resume' }).focus()
    // Rows are made anew every second; the keyboard must not lose its place.
    await page.waitForTimeout(2_500)
    t.match((await focused(page)).name, /^Use exit .* again$/)
    await page.keyboard.press('Space')
    await page.waitForSelector('#exits td:text-is("drained")', { state: 'detached' })
    await page.locator('#destination').focus()
    await page.keyboard.type('nonsense')
    await page.keyboard.press('Enter')
    await page.waitForSelector('#message:not(:empty)')
    t.match(await page.textContent('#message'), /b32/)
    t.strictSame(faults.filter(text => !/status of 400/.test(text)), [])
  })

  await t.test('light, dark, and on a phone', async t => {
    await page.reload()
    await page.waitForSelector('#requests td:text-is("message")')
    t.equal(await overflows(page), false)
    await screenshot(page, 'console-light')
    await page.emulateMedia({ colorScheme: 'dark' })
    await page.reload()
    await page.waitForSelector('#requests td:text-is("message")')
    t.match(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), /^rgb\((?:[0-4]?\d, ){2}[0-4]?\d\)$/)
    await screenshot(page, 'console-dark')
    await page.setViewportSize({ width: 360, height: 740 })
    await page.reload()
    await page.waitForSelector('#requests td:text-is("message")')
    t.equal(await overflows(page), false)
    await screenshot(page, 'console-phone')
  })

  await t.test('start page and error pages on a phone', async t => {
    await page.goto('http://minwww.i2p/')
    t.equal(await overflows(page), false)
    await screenshot(page, 'start-page-phone')
    await page.goto(`http://${'long.'.repeat(20)}i2p/`)
    t.equal(await overflows(page), false)
    await screenshot(page, 'error-phone')
    await page.emulateMedia({ colorScheme: 'light' })
    await page.setViewportSize({ width: 1000, height: 800 })
    await page.goto('http://minwww.i2p/')
    await screenshot(page, 'start-page')
  })
})

t.test('the console of an exit', { skip: missing(CHROMIUM) }, async t => {
  const router = await startService(t, ['router', '--i2cp', '127.0.0.1:0'])
  const console = `127.0.0.1:${await freePort()}`
  await startService(t, ['exit', '--router', router.json.i2cp, '--console', console, '--limit-out', '64', '--quota-day', '100'])
  const browser = await startBrowser(t)
  const page = await browser.newPage({ viewport: { width: 360, height: 740 }, colorScheme: 'dark' })
  await page.goto(`http://${console}/`)
  await page.waitForSelector('#traffic canvas')
  t.equal(await overflows(page), false)
  await screenshot(page, 'exit-console-phone')
  page.on('dialog', dialog => { dialog.accept().catch(() => {}) })
  const order = await tabOrder(page, 'drain')
  t.strictSame(order.filter(entry => /not visible/.test(entry)), [])
  t.strictSame([order.slice(0, 2), order.slice(-2)], [['Metrics', 'Health'], ['reload', 'drain']])
  await page.keyboard.press('Enter')
  await page.waitForSelector('#state:text-matches("^draining")')
  t.ok(await page.locator('#drain').isDisabled())
})
