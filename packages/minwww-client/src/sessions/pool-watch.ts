import type { Logger } from '@minwww/i2cp'
import { isWell, type PoolHealth, type PoolState } from './pool-health.ts'

/** Says in the log when a pool stops working, and when it works again. */
export class PoolWatch {
  readonly #logger: Logger | undefined
  #told: PoolState | undefined

  constructor (logger: Logger | undefined) {
    this.#logger = logger
  }

  look (health: PoolHealth): void {
    const { state, text, working, total } = health
    if (isWell(health)) {
      if (state === 'working' && this.#told !== undefined) {
        this.#told = undefined
        this.#logger?.info({ working, total }, 'an exit works again')
      }
      return
    }
    if (this.#told === state) return
    this.#told = state
    this.#logger?.warn({ state, total }, text)
  }
}
