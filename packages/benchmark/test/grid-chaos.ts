import type { Carrier, WorldMessage } from '../src/grid/world.ts'
import type { SeededRandom } from '../src/grid/random.ts'

export interface ChaosOptions {
  /** Probability that a message is lost. */
  loss: number
  /** Probability that a message comes twice. */
  duplicate: number
  /** Longest delay, ms; messages overtake each other freely. */
  delay: number
  /** Probability that a bit of a message is flipped. */
  corrupt: number
  /** Probability that, with a message, an older one is delivered once more. */
  replay: number
}

interface Flight { at: number, from: string, to: string, data: WorldMessage }

/** Messages kept for replays; the oldest goes first. */
const MAX_OLD = 200

/** A network that does everything a datagram network may do, and what an attacker on the way to a core may. */
export class ChaosNetwork implements Carrier {
  readonly stats = { tunnelMessagesSent: 0, queueDrops: 0 }
  readonly #random: SeededRandom
  readonly #options: ChaosOptions
  readonly #onSend: (from: string, data: WorldMessage) => void
  readonly #old: Flight[] = []
  #flights: Flight[] = []

  constructor (random: SeededRandom, options: ChaosOptions, onSend: (from: string, data: WorldMessage) => void) {
    this.#random = random
    this.#options = options
    this.#onSend = onSend
  }

  send (now: number, { from, to, data }: { from: string, to: string, data: WorldMessage }): void {
    const { loss, duplicate, corrupt, replay } = this.#options
    this.#onSend(from, data)
    this.#old.push({ at: 0, from, to, data })
    if (this.#old.length > MAX_OLD) this.#old.shift()
    if (this.#random.number() < replay) {
      const old = this.#old[Math.floor(this.#random.number() * this.#old.length)]!
      this.#fly(now, old.from, old.to, old.data)
    }
    if (this.#random.number() < loss) return
    this.#fly(now, from, to, this.#random.number() < corrupt ? this.#flip(data) : data)
    if (this.#random.number() < duplicate) this.#fly(now, from, to, data)
  }

  nextTimeout (): number | undefined {
    return this.#flights.length === 0 ? undefined : Math.min(...this.#flights.map(({ at }) => at))
  }

  poll (now: number): ReturnType<Carrier['poll']> {
    const due = this.#flights.filter(({ at }) => at <= now).sort((a, b) => a.at - b.at)
    this.#flights = this.#flights.filter(({ at }) => at > now)
    return due.map(flight => ({ ...flight, size: flight.data.payload.length, tunnelMessages: 1, sentAt: flight.at }))
  }

  #fly (now: number, from: string, to: string, data: WorldMessage): void {
    this.#flights.push({ at: now + 1 + this.#random.number() * this.#options.delay, from, to, data })
  }

  #flip (data: WorldMessage): WorldMessage {
    const payload = Buffer.from(data.payload)
    const at = Math.floor(this.#random.number() * payload.length)
    payload[at]! ^= 1 << Math.floor(this.#random.number() * 8)
    return { ...data, payload }
  }
}
