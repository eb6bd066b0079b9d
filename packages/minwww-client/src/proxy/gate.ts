import { setTimeout as delay } from 'node:timers/promises'

/** Lets so many in at a time; the others wait in the order of their coming. Bounded by the proxy's `maxInFlight`. */
export class Gate {
  readonly #limit: () => number
  readonly #waiting: Array<() => void> = []
  #inside = 0

  constructor (limit: () => number) {
    this.#limit = limit
  }

  /** @throws the signal's reason for one that leaves while it waits, and whatever `act` throws */
  async run<T> (signal: AbortSignal, act: () => Promise<T>): Promise<T> {
    await this.#enter(signal)
    try {
      return await act()
    } finally {
      this.#inside--
      if (this.#inside < this.#limit()) this.#waiting.shift()?.()
    }
  }

  async #enter (signal: AbortSignal): Promise<void> {
    if (this.#inside < this.#limit()) {
      this.#inside++
      return
    }
    await new Promise<void>((resolve, reject) => {
      const come = (): void => {
        signal.removeEventListener('abort', leave)
        this.#inside++
        resolve()
      }
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(come), 1)
        reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'))
      }
      this.#waiting.push(come)
      signal.addEventListener('abort', leave, { once: true })
    })
  }
}

/** Waits, in ms, or throws the signal's reason. */
export async function pause (ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => {})
  signal.throwIfAborted()
}
