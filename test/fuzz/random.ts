/** A small, fast, seeded generator (sfc32): the same seed gives the same cases on every machine. */
export class Random {
  #a: number
  #b: number
  #c: number
  #counter = 1

  constructor (...seeds: number[]) {
    const [a = 0, b = 0, c = 0] = seeds
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

  /** 0 .. n - 1; 0 for n = 0. */
  below (n: number): number { return n === 0 ? 0 : this.u32() % n }
  chance (one: number): boolean { return this.below(one) === 0 }
  pick<T> (list: readonly T[]): T { return list[this.below(list.length)]! }

  bytes (length: number): Buffer {
    const bytes = Buffer.alloc(length)
    for (let at = 0; at < length; at++) bytes[at] = this.u32()
    return bytes
  }
}
