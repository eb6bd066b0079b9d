import { createHash } from 'node:crypto'
import type { Visitor } from '../../src/fetch/http-types.ts'

/** A visitor as the fetching side sees one; no real keys behind it. */
export function fakeVisitor (seed = 1): Visitor {
  const bytes = Buffer.alloc(391, seed)
  const hash = createHash('sha256').update(bytes).digest()
  return { hash, base64: i2p(bytes), b32: `${hash.toString('hex').slice(0, 52)}.b32.i2p` }
}

function i2p (bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('+', '-').replaceAll('/', '~')
}
