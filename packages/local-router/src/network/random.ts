import type { RandomGenerator } from 'pure-rand/types/RandomGenerator'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'

const WARM_UP = 16
const UNIT = 2 ** -32

/** A seeded generator for one direction of one pair, so that traffic elsewhere does not change what happens here. */
export class Random {
  readonly #generator: RandomGenerator

  /** @param seeds numbers that name the stream; equal numbers give equal streams */
  constructor (...seeds: number[]) {
    this.#generator = xoroshiro128plus(seeds.reduce(mix, 0x9e3779b9))
    for (let i = 0; i < WARM_UP; i++) this.#generator.next()
  }

  /** Uniform in the open interval (0, 1). */
  next (): number {
    return ((this.#generator.next() >>> 0) + 0.5) * UNIT
  }

  /** Uniform in [-1, 1]. */
  symmetric (): number {
    return this.next() * 2 - 1
  }

  /** Uniform integer in [0, n). */
  below (n: number): number {
    return Math.floor(this.next() * n)
  }

  /** Trials that fail before the first success of probability `p`: mean (1-p)/p, Infinity for p = 0. */
  geometric (p: number): number {
    if (p <= 0) return Infinity
    if (p >= 1) return 0
    return Math.floor(Math.log(this.next()) / Math.log1p(-p))
  }
}

// The finalizer of MurmurHash3: neighbouring seeds must not give related streams.
function mix (state: number, value: number): number {
  let h = Math.imul(state ^ (value | 0) ^ Math.floor(value / 2 ** 32), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) | 0
}
