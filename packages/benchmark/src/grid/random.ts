import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator'

/** Seeded bytes and numbers for everything that a simulation draws. */
export class SeededRandom {
  readonly #generator: RandomGenerator

  constructor (seed: number) {
    this.#generator = xoroshiro128plus(seed | 0)
  }

  /** A source of bytes as the cores want it. */
  readonly bytes = (length: number): Buffer => {
    const bytes = Buffer.alloc(Math.ceil(length / 4) * 4)
    for (let i = 0; i < bytes.length; i += 4) bytes.writeInt32LE(this.#generator.next(), i)
    return bytes.subarray(0, length)
  }

  /** 0 to 1. */
  number (): number {
    return (this.#generator.next() >>> 0) / 2 ** 32
  }

  /** Standard normal, Box-Muller. */
  normal (): number {
    return Math.sqrt(-2 * Math.log(1 - this.number())) * Math.cos(2 * Math.PI * this.number())
  }
}
