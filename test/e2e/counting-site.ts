import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

/** One answer: whom it was for, by the cookie of the request, and the text that the browser has to show of it. */
export interface Given { readonly path: string, readonly cookie: string, readonly revision: number, readonly text: string }

export interface CountingSite {
  readonly origin: string
  /** All answers; the number of each stands in its text. */
  readonly given: readonly Given[]
  /** Of what is the same for all; every POST of `/change` makes another. */
  readonly revision: number
}

/** What a browser has of a page: the texts of its document, styles, scripts, pictures and data. */
export interface Shown { texts: string[], worker: string }

const NOBODY = '-'
const HOST = 'site.i2p'
const WIDTH = 16
/** Bytes of a row of a picture; texts are whole rows. */
const ROW = WIDTH * 3
const HEADER = 54
/** Rows of the texts, by path: 1 to 17 KB. */
const ROWS: Readonly<Record<string, number>> = {
  '/home': 90,
  '/once.css': 25,
  '/own.css': 60,
  '/once.js': 120,
  '/own.js': 30,
  '/current.js': 40,
  '/once.bmp': 350,
  '/own.bmp': 200,
  '/data': 20
}
export const RESOURCES = Object.keys(ROWS)
const ONCE = 'no-store'
const OWN = 'max-age=600'

const STYLES = ['/once.css', '/own.css']
const SCRIPTS = ['/once.js', '/own.js', '/current.js']
const PICTURES = ['/once.bmp', '/own.bmp']
const FORMS = ['login', 'logout', 'change']

/** Sees to every request itself, and answers one that is of its own. */
const WORKER = `
addEventListener('install', () => skipWaiting())
addEventListener('activate', event => event.waitUntil(clients.claim()))
addEventListener('fetch', event => event.respondWith(
  new URL(event.request.url).pathname === '/made' ? new Response('made by the worker') : fetch(event.request)
))`

/**
 * In the page: what it shows, taken from where the browser has put it. Pictures are read dot by dot; their rows are turned round, and
 * of each dot the order of the colours.
 */
export const READ = `(async () => {
  const read = image => {
    const { naturalWidth: width, naturalHeight: height } = image
    const drawn = Object.assign(document.createElement('canvas'), { width, height }).getContext('2d')
    drawn.drawImage(image, 0, 0)
    let text = ''
    for (let y = height - 1; y >= 0; y--) {
      const row = drawn.getImageData(0, y, width, 1).data
      for (let x = 0; x < width; x++) text += String.fromCharCode(row[4 * x + 2], row[4 * x + 1], row[4 * x])
    }
    return text
  }
  return {
    texts: [
      document.querySelector('pre').textContent,
      ...[...document.styleSheets].map(sheet => JSON.parse(sheet.cssRules[0].style.getPropertyValue('--text'))),
      ...window.texts ?? [],
      ...[...document.images].map(read),
      await (await fetch('/data')).text()
    ],
    worker: navigator.serviceWorker?.controller ? await (await fetch('/made')).text() : ''
  }
})()`

/** Resolves when the worker sees to the page. */
export const REGISTER = 'navigator.serviceWorker.register("/worker.js").then(() => navigator.serviceWorker.ready).then(() => true)'

/** A site with a login, that knows what it gave whom. */
export async function startCountingSite (t: Test): Promise<CountingSite> {
  const given: Given[] = []
  let revision = 1
  let logins = 0
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const { url: path = '/', method, headers: { cookie = NOBODY, 'if-none-match': known } } = request
    const moved = (fields: Record<string, string> = {}): void => {
      response.writeHead(303, { Location: '/home', 'Cache-Control': ONCE, ...fields }).end()
    }
    if (method === 'POST') {
      if (path === '/change') revision++
      moved(path === '/login'
        ? { 'Set-Cookie': `visit=${++logins}; Path=/; HttpOnly` }
        : path === '/logout' ? { 'Set-Cookie': 'visit=; Path=/; Max-Age=0' } : {})
      return
    }
    const rows = ROWS[path]
    const etag = `"${revision}"`
    if (path === '/worker.js') {
      response.writeHead(200, { 'Content-Type': 'text/javascript' }).end(WORKER)
      return
    }
    if (rows === undefined || (path === '/current.js' && known === etag)) {
      response.writeHead(rows === undefined ? 404 : 304, rows === undefined ? {} : { ETag: etag }).end()
      return
    }
    const text = `${given.length} ${path} ${cookie} `.padEnd(ROW * rows, randomBytes(ROW * rows).toString('base64url'))
    given.push({ path, cookie, revision, text })
    const [type, body] = write(path, text)
    const fields = path === '/current.js'
      ? { 'Cache-Control': 'no-cache', ETag: etag }
      : path.startsWith('/own') ? { 'Cache-Control': OWN, Vary: 'Cookie' } : { 'Cache-Control': ONCE }
    response.writeHead(200, { 'Content-Type': type, ...fields }).end(body)
  }
  const server = createServer((request, response) => { request.resume().on('end', () => answer(request, response)) })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { origin: `http://127.0.0.1:${port}`, given, get revision () { return revision } }
}

/** What is wrong with what a browser has of `/home`, which it opened when the site had given `before` answers. */
export function faultsOf (
  { given, revision }: CountingSite, { texts }: Shown, { cookie, before, seen }: { cookie: string, before: number, seen: Set<number> }
): string[] {
  const missing = RESOURCES.filter(path => !texts.some(text => text.split(' ')[1] === path)).map(path => `${path} is missing`)
  return [...missing, ...texts.flatMap(text => {
    const number = parseInt(text, 10)
    const answer = given[number]
    const faults: string[] = []
    if (answer?.text !== text) return [`not what the site gave: ${text.slice(0, 80)}`]
    const { path } = answer
    if (path === '/current.js') return answer.revision === revision ? [] : [`${path} is of revision ${answer.revision}, not ${revision}`]
    if (answer.cookie !== cookie) faults.push(`${path} is of ${answer.cookie}, not of ${cookie}`)
    if (path.startsWith('/own')) return faults
    if (number < before) faults.push(`${path} is older than the page: ${number}, not from ${before} on`)
    if (seen.has(number)) faults.push(`${path} ${number} was shown before`)
    seen.add(number)
    return faults
  })]
}

function write (path: string, text: string): [type: string, body: string | Buffer] {
  const quoted = JSON.stringify(text)
  if (path.endsWith('.css')) return ['text/css', `:root { --text:${quoted} }\n`]
  if (path.endsWith('.js')) return ['text/javascript', `(window.texts ??= []).push(${quoted})\n`]
  if (path.endsWith('.bmp')) return ['image/bmp', bitmap(Buffer.from(text, 'latin1'))]
  if (path === '/data') return ['text/plain', text]
  return ['text/html; charset=utf-8', [
    `<!doctype html><html lang="en"><title>${HOST}</title><link rel="icon" href="data:,">`,
    ...STYLES.map(path => `<link rel="stylesheet" href="${path}">`),
    ...SCRIPTS.map(path => `<script src="${path}"></script>`),
    ...PICTURES.map(path => `<img src="${path}" alt="">`),
    ...FORMS.map(name => `<form name="${name}" method="post" action="/${name}"><button>${name}</button></form>`),
    `<pre>${text}</pre></html>`
  ].join('\n')]
}

/** 24 bits for each dot, from the lowest row up. */
function bitmap (dots: Buffer): Buffer {
  const header = Buffer.alloc(HEADER)
  header.write('BM', 0, 'latin1')
  header.writeUInt32LE(HEADER + dots.length, 2)
  header.writeUInt32LE(HEADER, 10)
  header.writeUInt32LE(40, 14)
  header.writeInt32LE(WIDTH, 18)
  header.writeInt32LE(dots.length / ROW, 22)
  header.writeUInt16LE(1, 26)
  header.writeUInt16LE(24, 28)
  return Buffer.concat([header, dots])
}
