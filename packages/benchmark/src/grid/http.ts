import { encodeRequestHead, encodeResponse } from '@minwww/protocol'

/** What a browser sends with a GET, after the proxy's allow-list. */
const REQUEST_FIELDS: Array<[string, string]> = [
  ['accept', 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'],
  ['accept-language', 'en-US,en;q=0.5'],
  ['accept-encoding', 'gzip, deflate, br'],
  ['user-agent', 'MYOB/6.66 (AN/ON)']
]

/** A GET whose path names the size of the page wanted. */
export function pageRequest (size: number, tag: number | string = 0): Buffer {
  return encodeRequestHead({ method: 'GET', url: `http://site.i2p/page/${size}/${tag}`, headers: REQUEST_FIELDS })
}

/** The path of a request, and the size that it names. */
export function requestedPage (request: Uint8Array): { path: string, size: number } {
  const match = /^[A-Z]+ http:\/\/[^/ ]+(\/page\/(\d+)\/\S*)/.exec(Buffer.from(request).toString('latin1', 0, 200))
  if (match === null) throw new Error('not a request of the benchmark')
  return { path: match[1]!, size: Number(match[2]) }
}

/** A response whose head and body together have `size` bytes, the body already compressed. */
export function pageResponse (size: number, random: (length: number) => Uint8Array): Buffer {
  const head = (length: number): Array<[string, string]> => [
    ['content-type', 'image/png'], ['content-length', String(length)], ['cache-control', 'max-age=600']
  ]
  const overhead = encodeResponse({ status: 200, reason: 'OK', headers: head(size), body: Buffer.alloc(0) }).length
  const body = Buffer.from(random(Math.max(0, size - overhead)))
  return encodeResponse({ status: 200, reason: 'OK', headers: head(body.length), body })
}
