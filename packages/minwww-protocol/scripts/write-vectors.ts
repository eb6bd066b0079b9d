/** Writes the test vectors, and into docs/reference/protocol.md those that it shows: `npm run docs:vectors`. */
import { readFileSync, writeFileSync } from 'node:fs'
import { DOCUMENT, shown, VECTORS } from '../test/vectors/document.ts'
import { makeVectors } from '../test/vectors/make.ts'

const vectors = makeVectors()
writeFileSync(VECTORS, JSON.stringify(vectors, undefined, 2) + '\n')
let text = readFileSync(DOCUMENT, 'utf8')
for (const { block, written } of shown(text, vectors)) text = text.replace(block, () => written)
writeFileSync(DOCUMENT, text)
