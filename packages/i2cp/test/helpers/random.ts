import { createHash } from 'node:crypto'

/** Reproducible bytes: SHA-512 in counter mode. */
export function seeded (seed: number | string): (length: number) => Buffer {
  let counter = 0
  return length => {
    const blocks: Buffer[] = []
    for (let size = 0; size < length; size += 64) blocks.push(createHash('sha512').update(`${seed}/${counter++}`).digest())
    return Buffer.concat(blocks).subarray(0, length)
  }
}
