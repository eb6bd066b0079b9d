/**
 * Sets browsers as docs/guide/browsing.md says, by Firefox's own dialog and by the command for Chromium, looks whether the dialog gives
 * the settings that
 * firefox.test.ts has, tries the automatic configuration, and takes the pictures into the artifacts (those in docs/images went
 * through pngquant). Port 4480 must be free:
 * npx tap test/e2e/browser-pictures.ts
 */
import t from 'tap'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { commandsOf } from '../docs/commands.ts'
import { ARTIFACTS } from './browser.ts'
import { ABOUT_CONFIG, automaticProxy, manualProxy, passesProxy, startFirefox, type Context, type Preferences } from './firefox.ts'
import { startService, temporaryFolder } from './harness.ts'

const PROXY = 'http://127.0.0.1:4480'

t.before(async () => { await startService(t, ['demo', '--proxy', new URL(PROXY).host]) })

t.test('Firefox', async t => {
  const firefox = await startFirefox({ ...ABOUT_CONFIG, 'ui.prefersReducedMotion': 1 }, { systemAccess: true, size: [1000, 860] })
  t.teardown(firefox.close)
  const [{ page }, window] = [firefox, await firefox.window()]
  t.comment(`Firefox ${firefox.version}`)

  await page.open('about:preferences#privacy')
  await click(page, 'document.getElementById("connectionLinkButton")')
  await click(page, 'document.getElementById("connectionSettings")')
  const dialog = 'document.querySelector(".dialogFrame")?.contentDocument'
  const { hostname, port } = new URL(PROXY)
  await click(page, `${dialog}?.querySelector('#networkProxyType radio[value="1"]')`)
  await enter(page, `${dialog}.getElementById("networkProxyHTTP")`, hostname)
  await enter(page, `${dialog}.getElementById("networkProxyHTTP_Port")`, port)
  await click(page, `${dialog}.getElementById("shareAllProxies")`)
  await painted(page)
  await firefox.picture('firefox-settings')
  await click(page, `${dialog}.getElementById("ConnectionsDialog").getButton("accept")`)
  await until(page, 'document.getElementById("dialogStack").hidden')
  const expected = { ...manualProxy(PROXY), ...ABOUT_CONFIG }
  t.strictSame(await preferencesOf(window, Object.keys(expected)), expected)

  // Typed without http://, it is not searched for.
  await window.evaluate('(gURLBar.value = "minwww.i2p", gURLBar.handleCommand(), 0)')
  await until(window, 'gBrowser.currentURI.spec === "http://minwww.i2p/" && !gBrowser.selectedTab.hasAttribute("busy")')
  await painted(page)
  await firefox.picture('firefox-start-page')
  t.equal(await page.evaluate('document.title'), 'MinWWW proxy')
})

t.test('Firefox, set to the automatic configuration', async t => {
  const firefox = await startFirefox({ ...automaticProxy(PROXY), ...ABOUT_CONFIG })
  t.teardown(firefox.close)
  await firefox.page.open('http://demo.i2p/')
  t.equal(await firefox.page.evaluate('document.title'), 'MinWWW demo')
  passesProxy(t, firefox, PROXY)
})

t.test('Chromium', async t => {
  const command = commandsOf('docs/guide/browsing.md').find(command => command.startsWith('chromium ')) ?? ''
  const more = '--headless=new --no-sandbox --disable-gpu --hide-scrollbars --window-size=1000,1065 ' +
    `--screenshot=${join(ARTIFACTS, 'chromium-demo-site.png')} http://demo.i2p/`
  execFileSync(
    'bash', ['-c', `${command} ${more}`], { env: { ...process.env, HOME: temporaryFolder(t) }, timeout: 60_000, stdio: 'ignore' }
  )
})

async function until (page: Context, expression: string): Promise<void> {
  while (!await page.evaluate(`Boolean(${expression})`)) await new Promise(resolve => setTimeout(resolve, 50))
}

/** Clicks on an element once it is there and laid out. */
async function click (page: Context, element: string): Promise<void> {
  await until(page, `(${element})?.getBoundingClientRect().width > 0`)
  await page.evaluate(`(${element}).click()`)
}

async function enter (page: Context, field: string, value: string): Promise<void> {
  await page.evaluate(`(field => {
    field.value = ${JSON.stringify(value)}
    for (const type of ['input', 'change']) field.dispatchEvent(new Event(type, { bubbles: true }))
  })(${field})`)
}

const painted = async (page: Context): Promise<void> => {
  await page.evaluate('new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(() => resolve(0))))')
}

/** What Firefox has for these names now. */
async function preferencesOf (window: Context, names: string[]): Promise<Preferences> {
  return await window.evaluate(`Object.fromEntries(${JSON.stringify(names)}.map(name => {
    const { prefs } = Services
    const reads = { [prefs.PREF_STRING]: 'getStringPref', [prefs.PREF_INT]: 'getIntPref', [prefs.PREF_BOOL]: 'getBoolPref' }
    const read = reads[prefs.getPrefType(name)]
    return [name, prefs[read](name)]
  }))`)
}
