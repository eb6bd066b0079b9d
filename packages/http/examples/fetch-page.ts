/**
 * Fetches a page:
 *   node --import tsx packages/http/examples/fetch-page.ts http://stats.i2p/ [HOST:PORT]
 */
import { fileURLToPath } from 'node:url'
import { createI2p, I2pError } from '@minwww/http'
import type { CreateOptions } from '@minwww/http'

export async function fetchPage (url: string, options: CreateOptions = {}): Promise<string> {
  await using i2p = await createI2p(options) // closed at the end of this function, whatever happens
  const response = await i2p.fetch(url, { timeout: 60_000 })
  if (!response.ok) throw new Error(`the site says ${response.status}`)
  return await response.text()
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [url = 'http://stats.i2p/', router = '127.0.0.1:7654'] = process.argv.slice(2)
  try {
    console.log(await fetchPage(url, { router }))
  } catch (error) {
    console.error(error instanceof I2pError ? `${error.code}: ${error.message}` : error)
    process.exitCode = 1
  }
}
