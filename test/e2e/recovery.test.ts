import t from 'tap'
import { fetchPage, freePort, missing, startService } from './harness.ts'
import { CHROMIUM, screenshot, startBrowser } from './browser.ts'
import { startWebSite } from './web-site.ts'

t.test('the router goes and comes back: the same tab loads', { skip: missing(CHROMIUM) }, async t => {
  const site = await startWebSite(t)
  const i2cp = `127.0.0.1:${await freePort()}`
  const router = await startService(t, ['router', '--i2cp', i2cp, '--latency', '10'])
  const exit = await startService(t, ['exit', '--router', i2cp, '--site', `web.i2p=${site.origin}`])
  const proxy = await startService(
    t, ['proxy', '--router', i2cp, '--proxy', '127.0.0.1:0', '--exit', exit.json.destination, '--timeout', '10']
  )
  const browser = await startBrowser(t, proxy.json.proxy)
  const page = await browser.newPage({ viewport: { width: 900, height: 600 } })
  t.equal((await page.goto('http://web.i2p/socket'))?.status(), 200)

  await router.stop('SIGKILL')
  const waiting = await page.goto('http://web.i2p/form')
  t.equal(waiting?.status(), 503)
  t.equal(waiting?.headers()['x-minwww-error'], 'MINWWW_NO_ROUTER')
  t.ok(Number(waiting?.headers()['retry-after']) > 0)
  t.equal(await page.locator('progress, [role=progressbar]').count(), 1)
  t.match(await waiting?.text(), /no connection to its I2P router/)
  await screenshot(page, 'progress')
  t.equal((await fetchPage(`${String(proxy.json.proxy)}/healthz`)).status, 503)

  await startService(t, ['router', '--i2cp', i2cp, '--latency', '10'])
  await page.waitForSelector('h1:text-is("Form")', { timeout: 60_000 })
  t.equal(page.url(), 'http://web.i2p/form')
  t.equal((await fetchPage(`${String(proxy.json.proxy)}/healthz`)).status, 200)
})

t.test('all exits are dead: the copy in the cache, else 504', { skip: missing(CHROMIUM) }, async t => {
  const site = await startWebSite(t)
  const router = await startService(t, ['router', '--i2cp', '127.0.0.1:0', '--latency', '10'])
  const i2cp = ['--router', router.json.i2cp as string]
  const exits = [await startService(
    t, ['exit', ...i2cp, '--site', `web.i2p=${site.origin}`]
  ), await startService(t, ['exit', ...i2cp, '--site', `web.i2p=${site.origin}`])]
  const proxy = await startService(
    t, ['proxy', ...i2cp, '--proxy', '127.0.0.1:0', '--timeout', '6', ...exits.flatMap(exit => ['--exit', exit.json.destination as string])]
  )
  const browser = await startBrowser(t, proxy.json.proxy)
  const page = await browser.newPage({ viewport: { width: 1100, height: 800 } })
  await page.goto('http://web.i2p/cached')
  t.equal(await page.textContent('#got'), 'visit 1')

  for (const exit of exits) await exit.stop('SIGKILL')
  const copy = await (await browser.newPage()).goto('http://web.i2p/cached')
  t.equal(copy?.status(), 200)
  t.match(await copy?.text(), /visit 1/)
  t.match(copy?.headers().age, /^\d+$/)
  const nothing = await page.goto('http://web.i2p/form')
  t.equal(nothing?.status(), 504)
  // The Destination that the proxy builds after ten seconds of silence is tried as well, and these six seconds end before that is over.
  t.match(nothing?.headers()['x-minwww-error'], /^MINWWW_(TIMEOUT|EXIT_SILENT)$/)
  await screenshot(page, 'error-timeout')

  await page.goto('http://minwww.i2p/console')
  await page.waitForSelector('#requests td:text-is("stale")')
  const cause = 'MINWWW_(?:TIMEOUT|EXIT_SILENT)'
  await page.waitForSelector(`#notice:text-matches("Warning: a page was served from an old copy.*${cause}.*web.i2p/cached")`)
  t.equal(await page.locator('#cache div', { hasText: 'Served stale' }).locator('dd').textContent(), '1')
  await screenshot(page, 'console-stale')
  await page.emulateMedia({ colorScheme: 'dark' })
  await page.setViewportSize({ width: 360, height: 740 })
  await page.reload()
  await page.waitForSelector('#notice:not(:empty)')
  await screenshot(page, 'console-stale-phone')
})
