import type { Random } from '../random.ts'
import { FRAGMENT_CAPACITY } from '../sizes.ts'

/** Bytes around a container of at most two tunnel messages, without the padding block. */
const SHORT_OVERHEAD = 121

/** The same for longer ones. */
const LONG_OVERHEAD = 129

/** The padding block of a ratchet message is 4 to 19 bytes. */
const MIN_PADDING = 4
const PADDING_CHOICES = 16

/** Containers up to here go in two tunnel messages: i2pd leaves the padding away where it would cost a third. */
const MAX_TWO = 1_861

/**
 * Tunnel messages of one I2CP message on i2pd, as counted there: the padding is random, so that sizes just below a
 * multiple of {@link FRAGMENT_CAPACITY} sometimes need one more.
 */
export function paddedTunnelMessages (size: number, random: Random): number {
  const padding = MIN_PADDING + random.below(PADDING_CHOICES)
  if (size + SHORT_OVERHEAD + padding <= FRAGMENT_CAPACITY) return 1
  if (size <= MAX_TWO) return 2
  return Math.ceil((size + LONG_OVERHEAD + padding) / FRAGMENT_CAPACITY)
}
