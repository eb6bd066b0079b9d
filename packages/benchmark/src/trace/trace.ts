import type { NetworkModel } from '@minwww/local-router/network'
import { kindOf } from './kind.ts'

export interface TracedMessage {
  readonly id: number
  /** Keys of the Destinations, as the router has them. */
  readonly from: string
  readonly to: string
  /** Epoch ms. */
  readonly sent: number
  /** Epoch ms; undefined: lost, or still on its way. */
  arrived: number | undefined
  readonly size: number
  readonly tunnelMessages: number
  readonly kind: string
  readonly acknowledgement: boolean
  /** Says the same as an earlier one. */
  readonly copy: boolean
}

/** Messages kept; later ones are not recorded. */
const MAX_MESSAGES = 100_000

/** Records what goes through a router's network, by its own trace, with the kind of each message from its bytes. */
export class Trace {
  #messages = new Map<number, TracedMessage>()
  readonly #keys = new Set<string>()
  #recording = false
  #container: Buffer | undefined

  constructor (network: NetworkModel<Buffer>) {
    // The trace has no bytes: they are kept from the call that leads to the event.
    const send = network.send.bind(network)
    network.send = (now, message) => {
      this.#container = message.data
      return send(now, message)
    }
    network.onTrace = ({ type, id, at, from, to, size, tunnelMessages }) => {
      if (type === 'sent') {
        if (!this.#recording || this.#messages.size >= MAX_MESSAGES) return
        const { name, acknowledgement, key } = kindOf(this.#container!)
        const copy = key !== undefined && this.#keys.has(`${name} ${key}`)
        if (key !== undefined) this.#keys.add(`${name} ${key}`)
        this.#messages.set(id, {
          id, from, to, sent: at, arrived: undefined, size, tunnelMessages, kind: copy ? `${name} copy` : name, acknowledgement, copy
        })
      } else if (type === 'delivered') {
        const message = this.#messages.get(id)
        if (message !== undefined) message.arrived = at
      }
    }
  }

  /** Begins anew. */
  start (): void {
    this.#messages = new Map()
    this.#keys.clear()
    this.#recording = true
  }

  /** What was sent since the start, in order; messages still on their way may get their time of arrival until the next start. */
  stop (): TracedMessage[] {
    this.#recording = false
    return [...this.#messages.values()]
  }
}
