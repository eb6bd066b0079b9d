import type { Test } from 'tap'

/** A small, fast generator (sfc32): the same seeds give the same numbers on every machine. */
export class SeededRandom {
  #a: number
  #b: number
  #c: number
  #counter = 1

  /** Each seed a whole number or a text. */
  constructor (...seeds: Array<number | string>) {
    const [a = 0, b = 0, c = 0] = seeds.flatMap(seed => typeof seed === 'number' ? [seed] : [hash(seed)])
    this.#a = a | 0
    this.#b = b | 0
    this.#c = c | 0
    for (let round = 0; round < 12; round++) this.u32()
  }

  u32 (): number {
    const sum = (this.#a + this.#b + this.#counter++) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0
    return sum >>> 0
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

/** FNV-1a. */
function hash (text: string): number {
  let value = 0x811c9dc5
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193)
  return value
}

/** Reproducible bytes. */
export const seeded = (...seeds: Array<number | string>): (length: number) => Buffer => new SeededRandom(...seeds).bytes

/** The seed of a test: that of MINWWW_SEED, or `usual`. A test that fails says which it was. */
export function seedOf (t: Test, usual: number): number {
  const seed = Number(process.env.MINWWW_SEED ?? usual)
  if (!Number.isSafeInteger(seed)) throw new RangeError('MINWWW_SEED is no whole number')
  t.teardown(() => { if (!t.passing()) t.comment(`seed ${seed}: repeat with MINWWW_SEED=${seed}`) })
  return seed
}
