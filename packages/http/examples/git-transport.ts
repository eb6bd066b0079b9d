/** The `http` of isomorphic-git, over I2P: git.clone({ fs, http: gitTransport(i2p), dir, url: 'http://example.i2p/project.git' }). */
import type { I2p } from '@minwww/http'

interface GitRequest {
  url: string
  method?: string | undefined
  headers?: Record<string, string> | undefined
  body?: AsyncIterable<Uint8Array> | Iterable<Uint8Array> | undefined
}

interface GitResponse {
  url: string
  method: string
  headers: Record<string, string>
  body: AsyncIterableIterator<Uint8Array>
  statusCode: number
  statusMessage: string
}

export function gitTransport (i2p: I2p): { request (asked: GitRequest): Promise<GitResponse> } {
  return {
    async request ({ url, method = 'GET', headers = {}, body }) {
      const parts: Uint8Array[] = []
      if (body !== undefined) for await (const part of body) parts.push(part)
      const response = await i2p.fetch(url, { method, headers, ...(body && { body: Buffer.concat(parts) }) })
      return {
        url: response.url,
        method,
        headers: Object.fromEntries(response.headers),
        body: response.body![Symbol.asyncIterator]() as AsyncIterableIterator<Uint8Array>,
        statusCode: response.status,
        statusMessage: response.statusText
      }
    }
  }
}
