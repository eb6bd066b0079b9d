import type { Test } from 'tap'

/** A small, fast generator (mulberry32): the same seeds give the same numbers on every machine. */
export class SeededRandom {
  #state: number

  /** Each seed a whole number or a text. */
  constructor (first: number | string, ...others: Array<number | string>) {
    this.#state = (Math.imul(whole(first), 2654435761) + 1) >>> 0
    for (const seed of others) this.#state = Math.imul(this.u32() ^ whole(seed), 2654435761) >>> 0
  }

  /** 0 .. 2^32 - 1. */
  u32 (): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }

  /** 0 to 1, without 1. */
  number (): number { return this.u32() / 2 ** 32 }

  /** 0 .. n - 1; 0 for n = 0. */
  below (n: number): number { return n === 0 ? 0 : this.u32() % n }
  /** True once in `one` times. */
  chance (one: number): boolean { return this.below(one) === 0 }
  pick<T> (list: readonly T[]): T { return list[this.below(list.length)]! }

  /** A source of bytes as the cores want it. */
  readonly bytes = (length: number): Buffer => {
    const bytes = Buffer.alloc(length)
    for (let at = 0; at < length; at++) bytes[at] = this.u32()
    return bytes
  }
}

/** A text by FNV-1a. */
function whole (seed: number | string): number {
  if (typeof seed === 'number') return seed
  let value = 0x811c9dc5
  for (let at = 0; at < seed.length; at++) value = Math.imul(value ^ seed.charCodeAt(at), 0x01000193)
  return value
}

/** Reproducible bytes. */
export const seeded = (seed: number | string): (length: number) => Buffer => new SeededRandom(seed).bytes

/** The seed of a test: that of MINWWW_SEED, or `usual`. A test that fails says which it was. */
export function seedOf (t: Test, usual: number): number {
  const seed = Number(process.env.MINWWW_SEED ?? usual)
  if (!Number.isSafeInteger(seed)) throw new RangeError('MINWWW_SEED is no whole number')
  t.teardown(() => { if (!t.passing()) t.comment(`seed ${seed}: repeat with MINWWW_SEED=${seed}`) })
  return seed
}
