import type { Clock } from './clock.ts'
import type { Delivery } from './network/flight.ts'
import type { NetworkModel } from './network/model.ts'

/** Rounds of delivery in one go; clients that answer each other at once must not starve everybody else. */
const MAX_ROUNDS = 64

/** Drives the network model by a clock, with one timer that is armed anew only when the earliest event moves. */
export class NetworkDriver {
  readonly #network: NetworkModel<Buffer>
  readonly #clock: Clock
  readonly #deliver: (delivery: Delivery<Buffer>) => void
  #timer: unknown
  #armedFor = Infinity
  #pumping = false
  #closed = false

  constructor (network: NetworkModel<Buffer>, clock: Clock, deliver: (delivery: Delivery<Buffer>) => void) {
    this.#network = network
    this.#clock = clock
    this.#deliver = deliver
  }

  pump (): void {
    if (this.#pumping || this.#closed) return
    this.#pumping = true
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const due = this.#network.poll(this.#clock.now())
      if (due.length === 0) break
      due.forEach(this.#deliver)
    }
    this.#pumping = false
    this.#arm()
  }

  close (): void {
    this.#closed = true
    this.#disarm()
  }

  #arm (): void {
    const next = this.#network.nextTimeout() ?? Infinity
    if (next === this.#armedFor) return
    this.#disarm()
    if (next === Infinity) return
    this.#armedFor = next
    this.#timer = this.#clock.setTimeout(() => {
      this.#armedFor = Infinity
      this.#timer = undefined
      this.pump()
    }, Math.max(0, next - this.#clock.now()))
  }

  #disarm (): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
    this.#armedFor = Infinity
  }
}
