// Pages that are pushed, in real browsers: of each resource a browser shows what its site gave this very user, and nothing old.
import t, { type Test } from 'tap'
import { CHROMIUM, startBrowser } from './browser.ts'
import { faultsOf, READ, REGISTER, RESOURCES, startCountingSite, type Shown } from './counting-site.ts'
import { FIREFOX, ABOUT_CONFIG, manualProxy, startFirefox } from './firefox.ts'
import { fetchPage, missing, startService } from './harness.ts'

const SITE = 'http://site.i2p'
const HOME = `${SITE}/home`
/** Loads of each user in each state. */
const LOADS = 2
/** Pushes may be lost, or late on a busy machine; some must be there to be looked at. */
const LEAST_PUSHED = 10

/** A tab of a user who shares nothing with the others. */
interface User {
  open: (url: string) => Promise<unknown>
  evaluate: (expression: string) => Promise<unknown>
  /** Sends a form, and resolves when the page that it leads to is loaded. */
  submit: (form: string) => Promise<unknown>
  /** Empties the browser's own cache. */
  forget: () => Promise<unknown>
}

type StartUsers = (t: Test, proxy: string) => Promise<{ users: User[], close: () => Promise<void> }>

const chromium: StartUsers = async (t, proxy) => {
  const browser = await startBrowser(t, proxy, [`--unsafely-treat-insecure-origin-as-secure=${SITE}`])
  const user = async (): Promise<User> => {
    const context = await browser.newContext()
    const page = await context.newPage()
    const devtools = await context.newCDPSession(page)
    return {
      open: async url => await page.goto(url, { waitUntil: 'load' }),
      evaluate: async expression => await page.evaluate(expression),
      submit: async form => await Promise.all([page.waitForEvent('load'), page.evaluate(`document.forms.${form}.submit()`)]),
      forget: async () => await devtools.send('Network.clearBrowserCache')
    }
  }
  return { users: [await user(), await user()], close: async () => { await browser.close() } }
}

const firefox: StartUsers = async (_t, proxy) => {
  const { newUser, close } = await startFirefox({
    ...manualProxy(proxy),
    ...ABOUT_CONFIG,
    // Service workers are for secure contexts only; as such the page would have its pictures by https.
    'dom.securecontext.allowlist': new URL(SITE).hostname,
    'security.mixed_content.upgrade_display_content': false
  })
  const user = async (): Promise<User> => {
    const tab = await newUser()
    return {
      ...tab,
      submit: async form => {
        await tab.evaluate(`fetch('/${form}', { method: 'POST' }).then(async answer => (await answer.text()).length)`)
        await tab.open(HOME)
      },
      forget: async () => {}
    }
  }
  return { users: [await user(), await user()], close }
}

for (const [name, program, start] of [['Chromium', CHROMIUM, chromium], ['Firefox', FIREFOX, firefox]] as const) {
  t.test(`${name}: a site with a login and a service worker, two users, 2 % loss`, { skip: missing(program) }, async t => {
    const site = await startCountingSite(t)
    const demo = await startService(
      t, ['demo', '--proxy', '127.0.0.1:0', '--latency', '20', '--loss', '2', '--seed', '1', '--site', `site.i2p=${site.origin}`]
    )
    const proxy = demo.json.proxy as string
    const { users: [anna, ben], close } = await start(t, proxy)
    t.teardown(close)
    const seen = new Set<number>()
    let shown = 0
    /** Both at once, each by what it is known by. */
    const look = async (what: string, cookies: readonly [string, string], load: (user: User) => Promise<unknown>, isByWorker = false) => {
      const before = site.given.length
      const faults = await Promise.all([anna!, ben!].map(async (user, index) => {
        await load(user)
        const read = await user.evaluate(READ) as Shown
        shown += read.texts.length
        if (read.worker !== (isByWorker ? 'made by the worker' : '')) t.fail(`${what}: worker: ${read.worker}`)
        return faultsOf(site, read, { cookie: cookies[index]!, before, seen })
      }))
      t.strictSame(faults, [[], []], what)
    }
    const home = async (user: User): Promise<unknown> => await user.open(HOME)
    const again = async (what: string, cookies: readonly [string, string], isByWorker = false): Promise<void> => {
      for (let load = 1; load <= LOADS; load++) await look(`${what}, load ${load}`, cookies, home, isByWorker)
    }
    /** One sends a form whose answer leads to the page, the other opens it. */
    const sends = (who: User, form: string) => async (user: User): Promise<unknown> => {
      // Chromium's own cache does not heed `Vary: Cookie`: whose cookies change begins with an empty one.
      if (user === who) await user.forget()
      return user === who ? await user.submit(form) : await home(user)
    }
    const none = '-'

    await again('nobody is logged in', [none, none])
    await look('one logs in', ['visit=1', none], sends(anna!, 'login'))
    await look('the other does', ['visit=1', 'visit=2'], sends(ben!, 'login'))
    await again('both are in', ['visit=1', 'visit=2'])
    await anna!.submit('change')
    await look('something has changed', ['visit=1', 'visit=2'], home)
    await Promise.all([anna!, ben!].map(async user => await user.evaluate(REGISTER)))
    await again('by the service worker', ['visit=1', 'visit=2'], true)
    await ben!.submit('change')
    await look('by it, something has changed', ['visit=1', 'visit=2'], home, true)
    await look('by it, one logs out', [none, 'visit=2'], sends(anna!, 'logout'), true)
    await again('one is out', [none, 'visit=2'], true)
    await look('in again', ['visit=3', 'visit=2'], sends(anna!, 'login'), true)

    const metrics = (await fetchPage('http://minwww.i2p/metrics', proxy)).body.toString()
    const pushed = Number(/^minwww_proxy_requests_total\{path="push"\} (\d+)$/m.exec(metrics)?.[1] ?? 0)
    t.comment(`${shown} resources of ${shown / RESOURCES.length} loads, ${pushed} of them pushed`)
    t.ok(pushed >= LEAST_PUSHED, `${pushed} of ${shown} were pushed`)
  })
}
