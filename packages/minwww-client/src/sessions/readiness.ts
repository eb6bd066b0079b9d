/** Lets those wait who need something that is not there yet. Bounded by the connections of browsers: who leaves takes his signal along. */
export class Readiness {
  readonly #isReady: () => boolean
  readonly #waiting = new Set<() => void>()

  constructor (isReady: () => boolean) {
    this.#isReady = isReady
  }

  get waiting (): number { return this.#waiting.size }

  /** To be told when it may have come. */
  changed (): void {
    if (this.#isReady()) this.end()
  }

  /** Nobody waits any longer. */
  end (): void {
    for (const wake of [...this.#waiting]) wake()
  }

  /** Resolves once it is there, after `timeout` ms, or when the signal is aborted. @returns whether it is there */
  async wait (timeout: number, signal?: AbortSignal): Promise<boolean> {
    if (this.#isReady() || signal?.aborted === true || !(timeout > 0)) return this.#isReady()
    await new Promise<void>(resolve => {
      const wake = (): void => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', wake)
        this.#waiting.delete(wake)
        resolve()
      }
      const timer = setTimeout(wake, timeout)
      signal?.addEventListener('abort', wake, { once: true })
      this.#waiting.add(wake)
    })
    return this.#isReady()
  }
}
