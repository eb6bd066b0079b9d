import type { Clock, Timer } from './clock.ts'

/** What a loop drives: a core, and what its driver does for it. */
export interface Driven {
  /**
   * Carries out what there is to do at this time: messages to send, events to tell. Does a bounded amount of it, and returns
   * true if more is left, which is done in a later turn of the event loop.
   */
  work (): boolean
  /** The time, ms, at which `expire` is to be called; undefined: only after something else has happened. */
  nextTimeout (): number | undefined
  /** The core's handleTimeout. May come early. */
  expire (now: number): void
}

/** Rounds in one go for what `work` itself brings about. */
const MAX_ROUNDS = 64

/**
 * The loop of a driver. Call `run` after each thing done to the core: it works, and then sets the one timer, anew only when the
 * earliest deadline has moved.
 */
export class DriveLoop {
  readonly #clock: Clock
  readonly #driven: Driven
  #timer: { readonly at: number, readonly handle: Timer } | undefined
  #scheduled: NodeJS.Immediate | undefined
  #running = false
  #again = false
  #closed = false

  constructor (clock: Clock, driven: Driven) {
    this.#clock = clock
    this.#driven = driven
  }

  /** Works now. Called out of `work`, it makes the loop go round once more. */
  run (): void {
    if (this.#closed) return
    this.#again = true
    if (this.#running) return
    this.#running = true
    try {
      this.#work()
    } finally {
      this.#running = false
      this.#arm()
    }
  }

  /** Works at the end of this turn of the event loop, so that all that happens in it is carried out together. */
  schedule (): void {
    if (this.#closed || this.#scheduled !== undefined) return
    this.#scheduled = setImmediate(() => {
      this.#scheduled = undefined
      this.run()
    })
  }

  /** For ever; neither `work` nor `expire` is called any more. */
  close (): void {
    this.#closed = true
    clearImmediate(this.#scheduled)
    this.#disarm()
  }

  #work (): void {
    for (let round = 0; this.#again && !this.#closed; round++) {
      if (round === MAX_ROUNDS) {
        this.schedule()
        return
      }
      this.#again = false
      if (this.#driven.work()) this.schedule()
    }
  }

  #arm (): void {
    const at = this.#closed ? undefined : this.#driven.nextTimeout()
    if (at === this.#timer?.at) return
    this.#disarm()
    if (at !== undefined) this.#timer = { at, handle: this.#clock.setTimer(() => this.#expire(), at - this.#clock.now()) }
  }

  #disarm (): void {
    this.#timer?.handle.clear()
    this.#timer = undefined
  }

  #expire (): void {
    this.#timer = undefined
    this.#driven.expire(this.#clock.now())
    this.run()
  }
}
