import { readFileSync } from 'node:fs'
import t from 'tap'
import { DOCUMENT, shown, VECTORS } from './vectors/document.ts'
import { makeVectors } from './vectors/make.ts'

const vectors = JSON.parse(JSON.stringify(makeVectors())) as object

t.test('the codec makes the bytes of the test vectors: who changes the wire changes them on purpose (npm run docs:vectors)', async t => {
  t.strictSame(JSON.parse(readFileSync(VECTORS, 'utf8')), vectors)
})

t.test('docs/reference/protocol.md shows these bytes', async t => {
  const text = readFileSync(DOCUMENT, 'utf8')
  const blocks = shown(text, vectors)
  t.ok(blocks.length >= 10)
  t.equal(blocks.length, text.split('```hex\n').length - 1, 'every block has a name, directly before its colon')
  for (const { name, block, written } of blocks) t.equal(block, written, name)
})
