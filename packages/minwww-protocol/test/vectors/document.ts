import { fileURLToPath } from 'node:url'

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url))

export const VECTORS = path('vectors.json')
export const DOCUMENT = path('../../../../docs/reference/protocol.md')

/** A line that ends with the name of a vector, such as `messages.want.bytes`, and the block of hex that follows. */
const SHOWN = /`((?:\w+\.)+\w+)`[^\n`]*:\n\n```hex\n[0-9a-f\n]*```/g
const LINE = 64

export interface Shown {
  name: string
  /** As the document has it, whole, and as it should be. */
  block: string
  written: string
}

/** The vectors that the document shows; throws for one that does not exist. */
export function shown (text: string, vectors: object): Shown[] {
  return [...text.matchAll(SHOWN)].map(([block, name = '']) => ({
    name, block, written: block.replace(/```hex\n[^`]*```/, () => `\`\`\`hex\n${lines(valueOf(vectors, name))}\n\`\`\``)
  }))
}

function valueOf (vectors: object, name: string): string {
  let value: unknown = vectors
  for (const part of name.split('.')) value = (value as Record<string, unknown> | undefined)?.[part]
  if (typeof value !== 'string') throw new Error(`no vector ${name}`)
  return value
}

function lines (hex: string): string {
  return (hex.match(new RegExp(`.{1,${LINE}}`, 'g')) ?? ['']).join('\n')
}
