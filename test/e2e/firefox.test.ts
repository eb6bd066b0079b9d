import t from 'tap'
import { missing, startService } from './harness.ts'
import { ABOUT_CONFIG, FIREFOX, manualProxy, passesProxy, startFirefox } from './firefox.ts'

t.test('Firefox, set as docs/guide/browsing.md says', { skip: missing(FIREFOX) }, async t => {
  const demo = await startService(t, ['demo', '--proxy', '127.0.0.1:0', '--latency', '20', '--loss', '0.2'])
  const proxy = demo.json.proxy as string
  const firefox = await startFirefox({ ...manualProxy(proxy), ...ABOUT_CONFIG })
  t.teardown(firefox.close)
  const { page } = firefox
  const status = async (): Promise<number> => await page.evaluate('performance.getEntriesByType("navigation")[0].responseStatus')
  t.comment(`Firefox ${firefox.version}`)

  await page.open('http://demo.i2p/')
  t.equal(await page.evaluate('document.title'), 'MinWWW demo')
  t.ok(
    await page.evaluate('document.images.length > 0 && [...document.images].every(image => image.naturalWidth > 0)'), 'pictures are shown'
  )
  t.ok(await page.evaluate('document.querySelectorAll("#timing tr").length') >= 3, 'the script ran')
  t.equal(await page.evaluate('typeof RTCPeerConnection'), 'undefined', 'no WebRTC')

  await page.open('http://minwww.i2p/')
  t.equal(await status(), 200)
  t.equal(await page.evaluate('document.querySelector("h1").textContent'), 'The proxy is ready')

  await page.open('http://no-such-site.i2p/')
  t.equal(await status(), 502)
  t.match(await page.evaluate('document.body.textContent'), /MINWWW_NAME_NOT_RESOLVED/, 'the error page is that of the proxy')
  passesProxy(t, firefox, proxy)

  await demo.stop()
  await t.rejects(page.open('http://demo.i2p/loss.html'), 'no proxy, no page')
  passesProxy(t, firefox, proxy)
})
