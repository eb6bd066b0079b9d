import { createHash } from 'node:crypto'

/**
 * A reproducible source of bytes: SHA-256 over seed and counter. Only for the demo, whose Destinations come and go with
 * the process and are the same for the same seed; keys that protect anything are never made from it.
 */
export function seededRandom (seed: number): (size: number) => Uint8Array {
  let counter = 0
  return size => {
    const bytes = Buffer.alloc(size)
    for (let offset = 0; offset < size; offset += 32) {
      createHash('sha256').update(`minwww demo ${seed} ${counter++}`).digest().copy(bytes, offset)
    }
    return bytes
  }
}
