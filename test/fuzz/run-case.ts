import { mutate } from './mutate.ts'
import { SeededRandom } from '@minwww/testkit'
import type { Target } from './target.ts'

/** The input of one case: the same for the same seed, target and number, on every machine. */
export function inputOf (target: Target, index: number, seed: number, number: number): { bytes: Buffer, random: SeededRandom } {
  const random = new SeededRandom(seed, index, number)
  const bytes = mutate(random, target.samples, target.tokens)
  return { bytes: target.repair !== undefined && !random.chance(4) ? target.repair(bytes, random) : bytes, random }
}
