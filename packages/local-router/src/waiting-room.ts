import type { Clock, Timer } from '@minwww/ground'

/** Messages that wait for one Destination's LeaseSet, for all of them, and the bytes of the latter. */
const MAX_PER_DESTINATION = 256
export const MAX_MESSAGES = 4_096
const MAX_BYTES = 2 ** 23

interface Guest {
  readonly size: number
  readonly proceed: () => void
}

interface Queue {
  readonly guests: Guest[]
  readonly timer: Timer
}

/**
 * Messages to Destinations whose LeaseSet is not known (yet). A real router looks for it for seconds; without this, a
 * message that is sent the moment its receiver says it is ready could overtake the receiver's LeaseSet.
 */
export class WaitingRoom {
  readonly #clock: Clock
  readonly #patience: number
  readonly #queues = new Map<string, Queue>()
  #messages = 0
  #bytes = 0

  /** @param patience longest wait, ms; 0 = nobody waits */
  constructor (clock: Clock, patience: number) {
    this.#clock = clock
    this.#patience = patience
  }

  /**
   * `proceed` is called once: when the LeaseSet comes, or when patience is over.
   * @returns false if there is no room, and `proceed` will not be called
   */
  wait (key: string, size: number, proceed: () => void): boolean {
    const queue = this.#queues.get(key)
    if (this.#patience === 0 || this.#messages >= MAX_MESSAGES || this.#bytes + size > MAX_BYTES) return false
    if (queue !== undefined && queue.guests.length >= MAX_PER_DESTINATION) return false
    const guest = { size, proceed }
    if (queue !== undefined) queue.guests.push(guest)
    else this.#queues.set(key, { guests: [guest], timer: this.#clock.setTimer(() => this.release(key), this.#patience) })
    this.#messages++
    this.#bytes += size
    return true
  }

  /** Lets those proceed who wait for this Destination. */
  release (key: string): void {
    const queue = this.#queues.get(key)
    if (queue === undefined) return
    this.#queues.delete(key)
    queue.timer.clear()
    for (const { size, proceed } of queue.guests) {
      this.#messages--
      this.#bytes -= size
      proceed()
    }
  }

  close (): void {
    for (const { timer } of this.#queues.values()) timer.clear()
    this.#queues.clear()
  }
}
