import type { PageBrowser } from '../src/page-sets/loads.ts'
import { loadUrl, startBrowser } from '../src/worlds/browser.ts'
import { ABOUT_CONFIG, startFirefox } from '../../../test/e2e/firefox.ts'

/** When the load event began, once it is over, ms. */
const LOADED = 'new Promise(resolve => setTimeout(() => resolve(performance.getEntriesByType(\'navigation\')[0].loadEventStart)))'

export async function startPageBrowser (name: string): Promise<PageBrowser> {
  switch (name) {
    case 'chromium': return await chromium()
    case 'firefox': return await firefox()
    default: throw new Error(`chromium or firefox, not ${name}`)
  }
}

async function chromium (): Promise<PageBrowser> {
  const browser = await startBrowser()
  return {
    load: async (via, { url, timeout, onResponse }) => {
      const { load } = await loadUrl(browser, via, {
        url,
        timeout,
        onResponse: async response => {
          onResponse({ url: response.url(), status: response.status(), body: await response.body().catch(() => undefined) })
        }
      })
      return load
    },
    close: async () => { await browser.close() }
  }
}

async function firefox (): Promise<PageBrowser> {
  const browser = await startFirefox(ABOUT_CONFIG)
  return {
    load: async ({ host, port }, { url, onResponse }) => {
      const user = await browser.newUser({ proxy: `${host}:${port}`, onResponse })
      try {
        await user.open(url)
        return await user.evaluate(LOADED) as number
      } finally {
        await user.close()
      }
    },
    close: browser.close
  }
}
