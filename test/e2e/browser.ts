import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { chromium, type Browser, type Page } from 'playwright-core'
import type { Test } from 'tap'
import { ROOT } from './harness.ts'

export const CHROMIUM = '/usr/bin/chromium'

/** Where screenshots of a test run are kept, to be looked at. Not committed. */
export const ARTIFACTS = join(ROOT, 'artifacts')

/** What Chromium asks of its maker by itself: it goes past the proxy, and no further than the resolver's rules. */
const VENDOR = '*.google.com,*.googleapis.com,*.gstatic.com'

/** Starts Debian's Chromium with `proxy` as its HTTP proxy, and nothing that it would ask of the Internet by itself. */
export async function startBrowser (t: Test, proxy?: string, args: readonly string[] = []): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync',
      '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1', ...args],
    ...(proxy === undefined ? {} : { proxy: { server: proxy, bypass: `<-loopback>,${VENDOR}` } })
  })
  t.teardown(async () => { await browser.close() })
  return browser
}

/** Takes a screenshot into the artifacts, and returns its path. */
export async function screenshot (page: Page, name: string): Promise<string> {
  mkdirSync(ARTIFACTS, { recursive: true })
  const path = join(ARTIFACTS, `${name}.png`)
  await page.screenshot({ path, fullPage: true })
  return path
}
