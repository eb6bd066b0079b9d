import { createServer } from 'node:http'
import type { Browser } from '../worlds/browser.ts'
import { serve, type Site } from '../worlds/site.ts'
import { fieldsOf, fileOf } from './files.ts'
import type { PageSet } from './list.ts'

/** What a browser asked for because of a page, in its order. */
export interface Recording { host: string, page: string, resources: RecordedRequest[] }

export interface RecordedRequest {
  /** Path and query; the whole address of what is of another site. */
  path: string
  /** Path of what made the browser ask: the page, a style sheet, a script. */
  because: string
  /** As Chromium calls it: `Stylesheet`, `Image`. */
  type?: string
}

/** Of another site, which an exit of this network does not reach. */
export const isElsewhere = (path: string): boolean => !path.startsWith('/')

interface DevTools {
  send: (method: string) => Promise<unknown>
  on: (event: 'Network.requestWillBeSent', listener: (event: Sent) => void) => void
}

interface Sent {
  request: { url: string, method: string }
  type?: string
  initiator: { type: string, url?: string, stack?: { callFrames: Array<{ url: string }> } }
}

const TIMEOUT = 30_000
const MAX_RESOURCES = 500

/** Loads each page of a set from a web server on loopback, and writes down what it asks for. */
export async function recordSet (browser: Browser, base: string, set: PageSet): Promise<Recording[]> {
  const server = createServer(({ url = '/' }, response) => {
    const file = fileOf(base, set, new URL(url, 'http://x').pathname)
    response.writeHead(file.status, fieldsOf(file).flat()).end(file.body)
  })
  const site = await serve(server)
  try {
    const recordings: Recording[] = []
    for (const page of set.pages) recordings.push(await record(browser, site, set, page))
    return recordings
  } finally {
    await site.close()
  }
}

async function record (browser: Browser, { origin }: Site, { host }: PageSet, page: string): Promise<Recording> {
  const context = await browser.newContext({ proxy: { server: 'http://127.0.0.1:9', bypass: '127.0.0.1' } })
  try {
    const tab = await context.newPage()
    const session = await (context as unknown as { newCDPSession: (page: unknown) => Promise<DevTools> }).newCDPSession(tab)
    const resources = new Map<string, RecordedRequest>()
    const pathOf = (url: string | undefined): string | undefined => url?.startsWith(`${origin}/`) === true ? pathAndQuery(url) : undefined
    session.on('Network.requestWillBeSent', ({ request, initiator, type }) => {
      const path = pathOf(request.url) ?? request.url
      if (!/^(?:\/|https?:)/.test(path) || request.method !== 'GET' || path === `/${page}` || resources.size >= MAX_RESOURCES) return
      const because = pathOf(initiator.url ?? initiator.stack?.callFrames[0]?.url) ?? `/${page}`
      if (!resources.has(path)) resources.set(path, { path, because, ...(type !== undefined && { type }) })
    })
    await session.send('Network.enable')
    await tab.goto(`${origin}/${page}`, { waitUntil: 'load', timeout: TIMEOUT })
    return { host, page: `/${page}`, resources: [...resources.values()] }
  } finally {
    await context.close()
  }
}

function pathAndQuery (url: string): string {
  const { pathname, search } = new URL(url)
  return pathname + search
}
