import { request } from 'node:http'
import type { Sample } from './report/collector.ts'

export interface Address { host: string, port: number }

export interface FetchRequest {
  /** HTTP proxy, or a forwarder that ends at a web server which takes absolute addresses. */
  via: Address
  url: string
  /** ms */
  timeout: number
  /** The body that must come; otherwise any body of a response below 400 will do. */
  expected?: Buffer | undefined
  /** A POST in place of a GET. A body in chunks says nothing of its length before. */
  upload?: { body: Buffer, isChunked: boolean }
}

export interface Page extends Sample { body?: Buffer, status?: number }

/** Longest body that is read, bytes. */
const MAX_BODY = 256 * 1024 * 1024

/** One GET or POST over a connection of its own. It never throws: what went wrong is in `error`, with the time limit as the time. */
export async function fetchVia ({ via, url, timeout, expected, upload }: FetchRequest): Promise<Page> {
  const started = performance.now()
  try {
    const page = await ask(via, url, timeout, upload)
    const time = performance.now() - started
    const error = expected !== undefined && !page.body.equals(expected)
      ? `status ${page.status}, ${page.body.length} of ${expected.length} bytes or other bytes`
      : page.status >= 400 ? `status ${page.status}` : undefined
    return error === undefined
      ? { time, firstByte: page.firstByte - started, body: page.body, status: page.status }
      : { time: timeout, error, status: page.status }
  } catch (error) {
    return { time: timeout, error: (error as Error).message }
  }
}

async function ask (
  via: Address, url: string, timeout: number, upload: FetchRequest['upload']
): Promise<{ status: number, body: Buffer, firstByte: number }> {
  return await new Promise((resolve, reject) => {
    const headers = { host: new URL(url).host, 'user-agent': 'MYOB/6.66 (AN/ON)', accept: '*/*', connection: 'close' }
    const body = upload === undefined || upload.isChunked ? {} : { 'content-length': upload.body.length }
    const method = upload === undefined ? 'GET' : 'POST'
    const outgoing = request({ ...via, method, path: url, agent: false, headers: { ...headers, ...body } }, response => {
      const firstByte = performance.now()
      const chunks: Buffer[] = []
      let length = 0
      response.on('data', (chunk: Buffer) => {
        length += chunk.length
        if (length > MAX_BODY) outgoing.destroy(new Error('body too large'))
        else chunks.push(chunk)
      })
      response.on('error', reject)
      response.on('end', () => {
        clearTimeout(timer)
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks), firstByte })
      })
    })
    const timer = setTimeout(() => outgoing.destroy(new Error(`no page within ${timeout} ms`)), timeout)
    outgoing.on('error', error => {
      clearTimeout(timer)
      reject(error)
    })
    if (upload?.isChunked === true) outgoing.flushHeaders()
    outgoing.end(upload?.body)
  })
}
