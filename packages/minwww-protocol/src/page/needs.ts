import { brotliDecompressSync, constants, gunzipSync } from 'node:zlib'
import type { HeaderList } from '../http.ts'
import { charsetOf, decoderFor } from './charset.ts'
import { readStyleSheet, type PageStyles } from './css.ts'
import { PageReader } from './html.ts'
import { readLinkFields } from './link-field.ts'
import { References, type Reference } from './references.ts'

/** What a response needs beside itself, and what its style sheets have in common where it is a page. */
export interface Needs { readonly found: Reference[], readonly styles?: PageStyles }

/** Bytes of a page that are looked at. */
const MAX_READ = 1_048_576
const MAX_DECODED = 4_194_304

const NOTHING: Needs = { found: [] }

/**
 * What a browser will ask for because of a response that is here, or the beginning of it.
 * @param styles - of the page whose style sheet it is
 */
export function needsOf (
  url: string, { status, headers, body }: { status: number, headers: HeaderList, body: Uint8Array }, styles?: PageStyles
): Needs {
  const of = (name: string): string[] => headers.flatMap(([key, value]) => key.toLowerCase() === name ? [value] : [])
  const target = of('location')[0]
  if ([301, 302, 303, 307, 308].includes(status) && target !== undefined) return followed(url, target)
  if (status !== 200) return NOTHING
  const type = of('content-type')[0] ?? ''
  const links = new References(url)
  readLinkFields(of('link'), links)
  const plain = decoded(of('content-encoding').join(), body)
  const read = plain?.subarray(0, MAX_READ) ?? Buffer.alloc(0)
  const { decoder, isUtf8 } = decoderFor(charsetOf(type, read))
  if (plain !== undefined && /^\s*text\/css\b/i.test(type)) {
    const found = new References(url, isUtf8)
    readStyleSheet(decoder.decode(read), found, styles)
    return { found: both(links.sorted, found.sorted) }
  }
  if (plain === undefined || !/^\s*(?:text\/html|application\/xhtml\+xml)\b/i.test(type)) return { found: links.sorted }
  const reader = new PageReader(url, isUtf8)
  reader.write(decoder.decode(read))
  reader.end()
  return { found: both(links.sorted, reader.found), styles: reader.styles }
}

/** As much of a coded body as is here; undefined where its coding is none that sites use, or it holds far too much. */
function decoded (coding: string, body: Uint8Array): Uint8Array | undefined {
  try {
    switch (coding.trim().toLowerCase()) {
      case '': case 'identity': return body
      case 'gzip': case 'x-gzip': return gunzipSync(body, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: MAX_DECODED })
      case 'br': return brotliDecompressSync(body, { finishFlush: constants.BROTLI_OPERATION_FLUSH, maxOutputLength: MAX_DECODED })
      default: return undefined
    }
  } catch {
    return undefined
  }
}

function followed (url: string, target: string): Needs {
  const found = new References(url)
  found.add(target, 'document')
  const own = new URL(url).host
  return { found: found.sorted.filter(({ url }) => new URL(url).host === own) }
}

function both (links: Reference[], others: Reference[]): Reference[] {
  const known = new Set(links.map(({ url }) => url))
  return [...links, ...others.filter(({ url }) => !known.has(url))]
}
