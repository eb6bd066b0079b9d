import { spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Test } from 'tap'
import { WebSocketServer } from 'ws'

/** Bytes of the large file. */
export const DOWNLOAD_SIZE = 5 * 1024 * 1024
/** Sub-resources of the large page, a third of each kind. */
export const RESOURCES = 40

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

export interface WebSite {
  origin: string
  port: number
  /** What the large file is. */
  download: Buffer
  /** Method and path of every request, in order. */
  requests: string[]
}

type Handler = (request: IncomingMessage, response: ServerResponse, site: WebSite) => void

const page = (title: string, body: string): string =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title><h1>${title}</h1>${body}</html>`

const html = (response: ServerResponse, text: string, fields: Record<string, string | string[]> = {}): void => {
  response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8', ...fields }).end(text)
}

const ROUTES: Record<string, Handler> = {
  '/many': (_request, response) => { html(response, page('Many', manyResources())) },
  '/form': (request, response) => {
    if (request.method !== 'POST') {
      html(response, page('Form', '<form method="post"><input name="text"><button>Send</button></form>'))
      return
    }
    collect(request, body => html(response, page('Sent', `<pre id="got">${new URLSearchParams(body.toString()).get('text') ?? ''}</pre>`)))
  },
  '/upload': (request, response) => {
    if (request.method !== 'POST') {
      html(response, page(
        'Upload', '<form method="post" enctype="multipart/form-data"><input type="file" name="file"><button>Send</button></form>'
      ))
      return
    }
    collect(request, body => html(response, page('Uploaded', `<pre id="got">${sha256(filePart(body))}</pre>`)))
  },
  '/download': (_request, response, { download }) => {
    response.writeHead(200, {
      'Content-Type': 'application/octet-stream',
      'Content-Length': download.length,
      'Content-Disposition': 'attachment; filename="large.bin"'
    }).end(download)
  },
  '/cookies/set': (_request, response) => {
    response.writeHead(
      302, { Location: '/cookies/hop', 'Set-Cookie': ['first=1; Path=/', 'second=two; Path=/cookies; HttpOnly', 'wide=no; Domain=i2p'] }
    ).end()
  },
  '/cookies/hop': (_request, response) => { response.writeHead(307, { Location: 'show?q=a%20b' }).end() },
  '/cookies/show': (request, response) => { html(response, page('Cookies', `<pre id="got">${request.headers.cookie ?? ''}</pre>`)) },
  '/socket': (_request, response) => { html(response, page('Socket', '')) },
  '/cached': (_request, response, { requests }) => {
    html(response, page(
      'Cached', `<p id="got">visit ${requests.filter(entry => entry === 'GET /cached').length}</p>`
    ), { ETag: '"v1"', 'Cache-Control': 'max-age=0' })
  }
}

/** An ordinary web server with what browsers do: pages, forms, files, cookies, redirects and an echo over WebSocket. */
export async function startWebSite (t: Test): Promise<WebSite> {
  return await serve(t, listener => createServer(listener))
}

/** The same over TLS. */
export async function startSecureSite (t: Test, { key, chain }: Certificate): Promise<WebSite> {
  return await serve(t, listener => createSecureServer({ key, cert: chain }, listener))
}

async function serve (t: Test, create: (listener: RequestListener) => Server): Promise<WebSite> {
  const site: WebSite = { origin: '', port: 0, download: randomBytes(DOWNLOAD_SIZE), requests: [] }
  const server = create((request, response) => {
    site.requests.push(`${request.method} ${request.url}`)
    handlerOf(request.url ?? '/')(request, response, site)
  })
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', socket => socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary })))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    for (const client of sockets.clients) client.terminate()
    server.closeAllConnections()
    server.close()
  })
  site.port = (server.address() as AddressInfo).port
  site.origin = `http://127.0.0.1:${site.port}`
  return site
}

function handlerOf (url: string): Handler {
  const path = url.replace(/\?.*$/, '')
  return ROUTES[path] ?? (path.startsWith('/part/') ? part : (_request, response) => { response.writeHead(404).end('nothing here') })
}

/** One of the small files of the large page; every one is another, so that nothing comes from a cache. */
function part (request: IncomingMessage, response: ServerResponse): void {
  const [, , file = ''] = (request.url ?? '').split('/')
  const index = parseInt(file, 10)
  if (file.endsWith('.css')) {
    response.writeHead(200, { 'Content-Type': 'text/css' })
      .end(`:root { --part-${index}: ${index} }\n`.repeat(1 + index % 20))
  } else if (file.endsWith('.js')) {
    response.writeHead(200, { 'Content-Type': 'text/javascript' })
      .end(`window.parts = (window.parts ?? 0) + 1 // ${'x'.repeat(index * 100)}\n`)
  } else {
    response.writeHead(200, { 'Content-Type': 'image/svg+xml' })
      .end(`<svg xmlns="http://www.w3.org/2000/svg" width="30" height="30"><circle cx="15" cy="15" r="${3 + index % 12}"/></svg>`)
  }
}

function manyResources (): string {
  const tags = Array.from({ length: RESOURCES }, (_, index) => {
    if (index % 4 === 0) return `<link rel="stylesheet" href="/part/${index}.css">`
    return index % 4 === 1 ? `<script src="/part/${index}.js"></script>` : `<img alt="" src="/part/${index}.svg">`
  })
  return tags.join('\n')
}

function collect (request: IncomingMessage, done: (body: Buffer) => void): void {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => done(Buffer.concat(chunks)))
}

/** The content of the one file in a multipart body. */
function filePart (body: Buffer): Buffer {
  const boundary = body.subarray(0, body.indexOf('\r\n'))
  const start = body.indexOf('\r\n\r\n') + 4
  return body.subarray(start, body.indexOf(Buffer.concat([Buffer.from('\r\n'), boundary]), start))
}

export interface Certificate {
  key: Buffer
  /** The certificate and its CA's. */
  chain: Buffer
  /** SHA-256 of the CA's public key in base64, as Chromium's --ignore-certificate-errors-spki-list wants it. */
  spki: string
}

/** A CA of the test's own, and a certificate of it for 127.0.0.1, made by openssl. */
export function makeCertificate (folder: string): Certificate {
  const file = (name: string): string => join(folder, name)
  const openssl = (...args: string[]): Buffer => {
    const { status, stdout, stderr } = spawnSync('openssl', args)
    if (status !== 0) throw new Error(`openssl ${args[0] ?? ''}: ${stderr.toString()}`)
    return stdout
  }
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  openssl('req', '-x509', ...ec, '-days', '30', '-subj', '/CN=MinWWW test CA', '-keyout', file('ca.key'), '-out', file('ca.pem'))
  openssl('req', ...ec, '-subj', '/CN=127.0.0.1', '-keyout', file('site.key'), '-out', file('site.csr'))
  writeFileSync(file('site.ext'), 'subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n')
  openssl('x509', '-req', '-in', file('site.csr'), '-CA', file('ca.pem'),
    '-CAkey', file('ca.key'), '-CAcreateserial', '-days', '30', '-extfile', file('site.ext'), '-out', file('site.pem'))
  const publicKey = openssl('x509', '-in', file('ca.pem'), '-pubkey', '-noout').toString()
  const der = Buffer.from(publicKey.replace(/-----[^-]+-----|\s/g, ''), 'base64')
  return {
    key: readFileSync(file('site.key')),
    chain: Buffer.concat([readFileSync(file('site.pem')), readFileSync(file('ca.pem'))]),
    spki: createHash('sha256').update(der).digest('base64')
  }
}
