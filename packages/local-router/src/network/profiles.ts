import type { Flight, Transport, TransportHost } from './flight.ts'
import { I2PD_PATH_RULES, I2pdTransport } from './i2pd/transport.ts'
import { JAVA_PATH_RULES, JavaTransport } from './java/transport.ts'
import type { NetworkOptions, NetworkProfile } from './options.ts'
import type { PathRules } from './path.ts'
import { PlainTransport } from './plain.ts'

/** A network where each path, when it is chosen, is by chance one of i2pd routers or one of Java routers. */
class MixedTransport<T> implements Transport<T> {
  readonly #i2pd: I2pdTransport<T>
  readonly #java: JavaTransport<T>

  constructor (options: NetworkOptions, host: TransportHost<T>) {
    this.#i2pd = new I2pdTransport(options, host)
    this.#java = new JavaTransport(options, host)
  }

  get size (): number {
    return this.#i2pd.size + this.#java.size
  }

  get nextTime (): number {
    return Math.min(this.#i2pd.nextTime, this.#java.nextTime)
  }

  tunnelMessages (flight: Flight<T>): number {
    return this.#of(flight).tunnelMessages(flight)
  }

  send (now: number, flight: Flight<T>): void {
    flight.from.path(flight.to).renew(now)
    this.#of(flight).send(now, flight)
  }

  step (now: number): void {
    const first = this.#i2pd.nextTime <= this.#java.nextTime ? this.#i2pd : this.#java
    first.step(now)
  }

  #of ({ from, to }: Flight<T>): Transport<T> {
    return from.path(to).kind < 0.5 ? this.#i2pd : this.#java
  }
}

export function pathRules (profile: NetworkProfile): PathRules {
  switch (profile) {
    case 'i2pd':
    case 'i2pd-2.59':
    case 'mixed': return I2PD_PATH_RULES
    case 'java': return JAVA_PATH_RULES
    case 'plain': return { messages: Infinity, life: Infinity }
  }
}

export function transport<T> (options: NetworkOptions, host: TransportHost<T>): Transport<T> {
  switch (options.profile) {
    case 'i2pd':
    case 'i2pd-2.59': return new I2pdTransport(options, host)
    case 'java': return new JavaTransport(options, host)
    case 'mixed': return new MixedTransport(options, host)
    case 'plain': return new PlainTransport(options, host)
  }
}
