import { readFileSync } from 'node:fs'
import t from 'tap'
import { DOCUMENT, shown, VECTORS } from './vectors/document.ts'
import { makeVectors } from './vectors/make.ts'

const vectors = JSON.parse(JSON.stringify(makeVectors())) as object

t.test('the codec makes the bytes of the test vectors: who changes the wire changes them on purpose (npm run docs:vectors)', async t => {
  t.strictSame(JSON.parse(readFileSync(VECTORS, 'utf8')), vectors)
})

t.test('docs/reference/protocol.md shows these bytes', async t => {
  const blocks = shown(readFileSync(DOCUMENT, 'utf8'), vectors)
  t.ok(blocks.length >= 10)
  for (const { name, block, written } of blocks) t.equal(block, written, name)
})
