import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Name under which the web server is asked for; no router knows it, so it goes to the exits. */
export const SITE = 'bench.example'

const MAX_BYTES = 64 * 1024 * 1024
const KB = 1024
const DOCUMENT = 24 * KB
/** Bytes of the objects of the page, as in the transport study: 189 KB. */
export const OBJECTS = [1, 2, 4, 4, 8, 10, 16, 32, 48, 64].map(size => size * KB)
const KEPT = 'max-age=3600'
const BITMAP_HEADER = 54
const BLOCK = 32

/** Of the heavy page: forty, 1.8 MB. */
export const HEAVY_OBJECTS = Array.from({ length: 40 }, (_, i) => 2 * (i + 3) * KB)
const PAGES = { page: OBJECTS, heavy: HEAVY_OBJECTS }
export type PageName = keyof typeof PAGES

/**
 * The web server behind every design: `/bytes/N?seed=S`, `/page.html?seed=S` with its ten pictures, `/heavy.html?seed=S` with forty;
 * POST `/digest`. With `&keep=1` caches may keep the pictures, else nothing.
 */
export interface Site { readonly origin: string, readonly address: { host: string, port: number }, close: () => Promise<void> }

/** @param port - of loopback; 0 takes a free one */
export async function startSite (port = 0): Promise<Site> {
  let last: { key: string, body: Buffer } = { key: '', body: Buffer.alloc(0) }
  /** Under load the same page is asked for thousands of times. */
  const bodyOf = (length: number, seed: string): Buffer => {
    const key = `${length} ${seed}`
    if (last.key !== key) last = { key, body: randomBody(length, seed) }
    return last.body
  }
  const server = createServer((request, response) => {
    // Through a forwarder the address comes as the browser sends it to a proxy, in absolute form.
    const { pathname, searchParams } = new URL(request.url ?? '/', `http://${SITE}`)
    const seed = searchParams.get('seed') ?? '1'
    const isKept = searchParams.get('keep') === '1'
    const sized = /^\/bytes\/(\d{1,9})$/.exec(pathname)
    const page = /^\/(page|heavy)\.html$/.exec(pathname)
    const picture = /^\/(page|heavy)\/(\d{1,2})\.bmp$/.exec(pathname)
    const size = picture === null ? undefined : PAGES[picture[1] as PageName][Number(picture[2])]
    const send = (type: string, body: Buffer, control = 'no-store'): void => {
      response.writeHead(200, { 'content-type': type, 'content-length': body.length, 'cache-control': control }).end(body)
    }
    if (request.method === 'POST' && pathname === '/digest') {
      digestOf(request).then(digest => send('text/plain', digest), () => response.destroy())
    } else if (sized !== null && Number(sized[1]) <= MAX_BYTES) send('application/octet-stream', bodyOf(Number(sized[1]), seed))
    else if (size !== undefined) send('image/bmp', bitmap(size, `${seed}/${picture![2]!}`), isKept ? KEPT : undefined)
    else if (page !== null) send('text/html; charset=iso-8859-1', document(page[1] as PageName, seed, isKept))
    else response.writeHead(404).end('not found\n')
  })
  return await serve(server, port)
}

/** On loopback, by default on a free port. */
export async function serve (server: Server, wanted = 0): Promise<Site> {
  const address = await listen(server, wanted)
  return {
    origin: `http://${address.host}:${address.port}`,
    address,
    close: async () => {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    }
  }
}

/** SHA-256 of a body, in hex. */
async function digestOf (request: IncomingMessage): Promise<Buffer> {
  const hash = createHash('sha256')
  for await (const piece of request as AsyncIterable<Buffer>) hash.update(piece)
  return Buffer.from(hash.digest('hex'))
}

/** Reproducible bytes that no coding makes smaller: SHA-256 in counter mode; those of the test network's web server. */
export function randomBody (length: number, seed: number | string): Buffer {
  const blocks: Buffer[] = []
  for (let counter = 0; counter * BLOCK < length; counter++) blocks.push(createHash('sha256').update(`${seed}:${counter}`).digest())
  return Buffer.concat(blocks).subarray(0, length)
}

/** 24 KB of HTML, nearly incompressible, whose pictures are spread over it as in a page. */
function document (name: PageName, seed: string, isKept: boolean): Buffer {
  const pictures = PAGES[name]
  const share = Math.floor((DOCUMENT - 400) / pictures.length)
  const parts = pictures.map((_, i) => {
    const before = Buffer.from(`<p>Part ${i + 1} <img src="/${name}/${i}.bmp?seed=${seed}${isKept ? '&amp;keep=1' : ''}" alt="">\n<!--`)
    const after = Buffer.from('-->\n')
    return [before, filler(share - before.length - after.length, `${seed}#${i}`), after]
  })
  return Buffer.concat([Buffer.from('<!doctype html><title>bench</title>\n'), ...parts.flat(), Buffer.from('<p>end\n')])
}

/** Bytes that may stand in a comment: nearly eight random bits each. */
function filler (length: number, seed: string): Buffer {
  return randomBody(length, seed)
    .map(byte => byte < 0x20 || byte === 0x2d || byte === 0x3e || byte === 0x3c || byte === 0x7f ? byte | 0x80 : byte) as Buffer
}

/** A picture of random dots, one byte and a row of padding short of `size` at most. */
function bitmap (size: number, seed: string): Buffer {
  const width = 16
  const height = Math.floor((size - BITMAP_HEADER) / (width * 3))
  const body = Buffer.concat([Buffer.alloc(BITMAP_HEADER), randomBody(width * 3 * height, seed)])
  body.write('BM', 0, 'latin1')
  body.writeUInt32LE(body.length, 2)
  body.writeUInt32LE(BITMAP_HEADER, 10)
  body.writeUInt32LE(40, 14)
  body.writeInt32LE(width, 18)
  body.writeInt32LE(height, 22)
  body.writeUInt16LE(1, 26)
  body.writeUInt16LE(24, 28)
  return body
}

async function listen (server: Server, wanted: number): Promise<{ host: string, port: number }> {
  await new Promise<void>((resolve, reject) => { server.once('error', reject).listen(wanted, '127.0.0.1', resolve) })
  const { address, port } = server.address() as AddressInfo
  return { host: address, port }
}
