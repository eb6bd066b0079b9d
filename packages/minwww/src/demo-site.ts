import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname } from 'node:path'
import { readAsset } from '@minwww/ground/node'
import { picture, PICTURES } from './demo-pictures.ts'

const FILES: Readonly<Record<string, URL>> = {
  '/gallery.html': new URL('../site/gallery.html', import.meta.url),
  '/gallery.js': new URL('../site/gallery.js', import.meta.url),
  '/icon.svg': new URL('../site/icon.svg', import.meta.url),
  '/index.html': new URL('../site/index.html', import.meta.url),
  '/loss.html': new URL('../site/loss.html', import.meta.url),
  '/path.svg': new URL('../site/path.svg', import.meta.url),
  '/race.html': new URL('../site/race.html', import.meta.url),
  '/race.js': new URL('../site/race.js', import.meta.url),
  '/site.js': new URL('../site/site.js', import.meta.url),
  '/steps.html': new URL('../site/steps.html', import.meta.url),
  '/steps.svg': new URL('../site/steps.svg', import.meta.url),
  '/style.css': new URL('../site/style.css', import.meta.url),
  '/symbols.svg': new URL('../site/symbols.svg', import.meta.url)
}

const RACE = '/race.html'
const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png'
}

/** Loaded to be measured: from no cache. */
const MEASURED = /^\/(?:gallery\.|picture\/)/

interface Page { body: Buffer, contentType: string, etag: string }

/** The web server of the built-in site, on a free port of the loopback interface. */
export interface DemoSite {
  /** `http://127.0.0.1:PORT` */
  origin: string
  /** Tells the page of both ways under which host the site is reached by streams. */
  setStreamsHost (host: string): void
  close (): Promise<void>
}

/** Starts the HTTPD of the built-in site. All of it is in memory, so nothing else of the disk can be asked for. */
export async function startDemoSite (): Promise<DemoSite> {
  const pages = readPages()
  const server = createServer((request, response) => {
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/'
    const page = pages.get(path === '/' ? '/index.html' : path)
    if (page === undefined) {
      response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' }).end(`${path} is not a page of this site\n`)
      return
    }
    // A page is asked for each time, so that what it says of the way it came is true; what it shows may come from a cache.
    const isPage = page.contentType.startsWith('text/html')
    const cache = MEASURED.test(path) ? 'no-store' : isPage ? 'no-cache' : 'max-age=60'
    const headers = { 'content-type': page.contentType, etag: page.etag, 'cache-control': cache }
    if (request.headers['if-none-match'] === page.etag) {
      response.writeHead(304, headers).end()
      return
    }
    response.writeHead(200, { ...headers, 'content-length': page.body.length }).end(request.method === 'HEAD' ? undefined : page.body)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${port}`,
    setStreamsHost: host => {
      const { body } = pages.get(RACE)!
      pages.set(RACE, pageOf(RACE, Buffer.from(body.toString().replace('STREAMS', host))))
    },
    close: async () => {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    }
  }
}

function readPages (): Map<string, Page> {
  const pictures = Array.from({ length: PICTURES }, (_, number): [string, Buffer] => [`/picture/${number}.png`, picture(number)])
  const files = Object.entries(FILES).map(([path, url]): [string, Buffer] => [path, readAsset(url)])
  return new Map([...files, ...pictures].map(([path, body]) => [path, pageOf(path, body)]))
}

function pageOf (path: string, body: Buffer): Page {
  const etag = `"${createHash('sha256').update(body).digest('hex').slice(0, 16)}"`
  return { body, contentType: CONTENT_TYPES[extname(path)] ?? 'application/octet-stream', etag }
}
