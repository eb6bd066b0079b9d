// Reproducible, incompressible bytes: SHA-256 in counter mode over a seed.
import { createHash } from 'node:crypto'

export function reproducibleBytes (length, seed = 1) {
  const blocks = []
  for (let made = 0, counter = 0; made < length; made += 32, counter++) {
    blocks.push(createHash('sha256').update(`${seed}:${counter}`).digest())
  }
  return Buffer.concat(blocks).subarray(0, length)
}
