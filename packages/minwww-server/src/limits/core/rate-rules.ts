import { TokenBucket } from '@minwww/protocol'

/** At most `count` in `window` ms, refilled evenly. 0 as count is no limit. */
export interface RateRule {
  count: number
  window: number
}

const SECOND = 1_000

/** Several rules at once, for one client or for all together: what one refuses costs the others nothing. */
export class RateRules {
  readonly #buckets: TokenBucket[]

  constructor (rules: readonly RateRule[], now: number) {
    this.#buckets = rules.filter(rule => rule.count > 0)
      .map(rule => new TokenBucket(rule.count / rule.window * SECOND, rule.count, now))
  }

  /** ms until one more is allowed, 0 for now. Takes nothing. */
  wait (now: number): number {
    return Math.max(0, ...this.#buckets.map(bucket => bucket.availableAt(now, 1) - now))
  }

  take (now: number): void {
    for (const bucket of this.#buckets) bucket.force(now, 1)
  }
}
