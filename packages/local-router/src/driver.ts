import type { Clock } from '@minwww/ground'
import { DriveLoop } from '@minwww/ground/node'
import type { Delivery } from './network/flight.ts'
import type { NetworkModel } from './network/model.ts'

/** Rounds of delivery in one go; clients that answer each other at once must not starve everybody else. */
const MAX_ROUNDS = 64

/** Drives the network model by a clock. */
export class NetworkDriver {
  readonly #network: NetworkModel<Buffer>
  readonly #clock: Clock
  readonly #deliver: (delivery: Delivery<Buffer>) => void
  readonly #loop: DriveLoop

  constructor (network: NetworkModel<Buffer>, clock: Clock, deliver: (delivery: Delivery<Buffer>) => void) {
    this.#network = network
    this.#clock = clock
    this.#deliver = deliver
    this.#loop = new DriveLoop(clock, {
      work: () => this.#work(),
      nextTimeout: () => network.nextTimeout(),
      expire: () => {} // the model's time passes when it is polled
    })
  }

  pump (): void { this.#loop.run() }

  close (): void { this.#loop.close() }

  #work (): boolean {
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const due = this.#network.poll(this.#clock.now())
      if (due.length === 0) break
      due.forEach(this.#deliver)
    }
    return false // what is left has a deadline that has passed
  }
}
