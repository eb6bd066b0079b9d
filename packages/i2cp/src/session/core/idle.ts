export interface IdleOptions {
  /** i2cp.reduceOnIdle: fewer tunnels after so many ms. */
  readonly reduceAfter?: number
  /** i2cp.reduceQuantity: tunnels each way then. */
  readonly reduceQuantity?: number
  /** i2cp.closeOnIdle: end the session after so many ms. */
  readonly closeAfter?: number
}

/** Watches for messages in either direction. */
export class Idle {
  readonly #options: IdleOptions
  #last = 0
  #reduced = false

  constructor (options: IdleOptions) {
    this.#options = options
  }

  get reduced (): boolean { return this.#reduced }

  /** A new connection has all its tunnels. */
  start (now: number): void {
    this.#last = now
    this.#reduced = false
  }

  /** True if the tunnels have to be restored. */
  active (now: number): boolean {
    this.#last = now
    const restore = this.#reduced
    this.#reduced = false
    return restore
  }

  nextTimeout (): number {
    const { reduceAfter = Infinity, closeAfter = Infinity } = this.#options
    return this.#last + Math.min(this.#reduced ? Infinity : reduceAfter, closeAfter)
  }

  check (now: number): 'reduce' | 'close' | undefined {
    const { reduceAfter = Infinity, closeAfter = Infinity } = this.#options
    if (now >= this.#last + closeAfter) return 'close'
    if (this.#reduced || now < this.#last + reduceAfter) return undefined
    this.#reduced = true
    return 'reduce'
  }
}
