import { existsSync } from 'node:fs'
import type { Address } from '../fetch.ts'
import type { Missing } from '../missing.ts'
import { SITE, type PageName } from './site.ts'

const CANDIDATES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', '/usr/bin/google-chrome-stable']
/** Only in the repository: the command line does without a browser's driver. */
const DRIVER = 'playwright-core'
const ARGUMENTS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
  '--disable-sync',
  '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1'
]

/** The part of playwright-core that is used. */
export interface Browser {
  version (): string
  newContext (options: object): Promise<{ newPage: () => Promise<BrowserPage>, close: () => Promise<void> }>
  close (): Promise<void>
}

export interface BrowserPage {
  goto (url: string, options: { waitUntil: 'load', timeout: number }): Promise<unknown>
  evaluate (script: string): Promise<unknown>
  on (event: 'response', listener: (response: BrowserResponse) => void): unknown
}

export interface BrowserResponse {
  url (): string
  status (): number
  body (): Promise<Buffer>
}

export interface LoadedPage { load: number, resources: Array<{ name: string, start: number, end: number, bytes: number }>, failed: number }

/** Of the benchmark's web server. */
interface PageToLoad {
  name: PageName
  seed: string
  timeout: number
  /** Caches may keep its pictures. Default false. */
  isKept?: boolean
  host?: string
}

export async function browserMissing (): Promise<Missing | undefined> {
  if (executable() === undefined) return { reason: 'no Chromium', hint: 'install Chromium, or name one in MINWWW_CHROMIUM' }
  const driver = await import(DRIVER).catch(() => undefined) as unknown
  return driver === undefined
    ? { reason: `${DRIVER} is not installed`, hint: `run in the repository after 'npm install', or: npm install ${DRIVER}` }
    : undefined
}

/** A real Chromium that asks nobody anything by itself. */
export async function startBrowser (): Promise<Browser> {
  const { chromium } = await import(DRIVER) as { chromium: { launch: (options: object) => Promise<Browser> } }
  // The proxy of the browser is overridden by each context; it only has to be there.
  return await chromium.launch({ executablePath: executable(), args: ARGUMENTS, proxy: { server: 'http://127.0.0.1:9' } })
}

/** Loads the page with its pictures in a context without cache or connections, through `via`. */
export async function loadPage (
  browser: Browser, via: Address, { name, seed, timeout, isKept = false, host = SITE }: PageToLoad
): Promise<LoadedPage> {
  return await loadUrl(browser, via, { url: `http://${host}/${name}.html?seed=${seed}${isKept ? '&keep=1' : ''}`, timeout })
}

/** @param onResponse - each response that the page asked for, with its body when it is here */
export async function loadUrl (
  browser: Browser, via: Address,
  { url, timeout, onResponse }: { url: string, timeout: number, onResponse?: (response: BrowserResponse) => Promise<void> }
): Promise<LoadedPage> {
  const context = await browser.newContext({ proxy: { server: `http://${via.host}:${via.port}`, bypass: '<-loopback>' } })
  try {
    const page = await context.newPage()
    const looks: Array<Promise<void>> = []
    if (onResponse !== undefined) page.on('response', response => looks.push(onResponse(response)))
    await page.goto(url, { waitUntil: 'load', timeout })
    const loaded = await page.evaluate(TIMINGS) as LoadedPage
    await Promise.all(looks)
    return loaded
  } finally {
    await context.close()
  }
}

/** Runs in the page: the load event, when each resource was asked for and complete, pictures that did not come. */
const TIMINGS = `new Promise(resolve => setTimeout(() => {
  const [page] = performance.getEntriesByType('navigation')
  const all = [page, ...performance.getEntriesByType('resource')]
  resolve({
    load: page.loadEventStart,
    resources: all.map(e => ({ name: new URL(e.name).pathname, start: e.startTime, end: e.responseEnd, bytes: e.encodedBodySize })),
    failed: [...document.images].filter(image => image.naturalWidth === 0).length
  })
}))`

function executable (): string | undefined {
  return process.env.MINWWW_CHROMIUM ?? CANDIDATES.find(existsSync)
}
