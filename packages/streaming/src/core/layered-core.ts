import { OFFSET } from '../packet/constants.ts'
import type { Destination } from '@minwww/i2cp/codec'
import type { Connection } from './connection.ts'
import { StallWatch } from './stall-watch.ts'
import type { StreamingOptions } from './options.ts'
import type { SendingState } from './statistics.ts'
import type { StreamingCore } from './streaming-core.ts'
import type { Incoming, Outgoing } from './types.ts'

/** A message of a layer's own, or a packet that it has rebuilt. */
export interface LayerMessage {
  readonly protocol: number
  readonly fromPort: number
  readonly toPort: number
  readonly payload: Buffer
  /** As of Outgoing. */
  readonly padTo?: number
}

/**
 * A layer between the streams of a Destination and its session, without I/O, as the parity of MinWWW is. It sees every packet, and may
 * add messages; it changes and holds back none.
 */
export interface StreamLayer {
  /** The peer has the same layer. Returns what streams to it are to be like. */
  offer (peer: Destination): Partial<StreamingOptions>
  /** Returns bytes of payload that its message is to be as long as at least. */
  sent (now: number, message: LayerMessage & { readonly to: Destination }, state: SendingState): number
  /** True: the message was of the layer, and the streams do not want it. */
  receive (now: number, message: Pick<LayerMessage, 'protocol' | 'payload'>): boolean
  /** A packet for the streams, as if it had arrived now. */
  pollReceived (): LayerMessage | undefined
  /** So many packets of a stream (by our id) were lost, and rebuilt by the peer's layer. */
  pollEvent (): { readonly stream: number, readonly packets: number } | undefined
  pollTransmit (now: number): (LayerMessage & { readonly to: Destination }) | undefined
  nextTimeout (): number | undefined
  handleTimeout (now: number): void
}

const UNKNOWN: SendingState = { rtt: undefined, hasMore: false, isLoaded: false }

/** A streaming core and the layer beneath it, driven as the core alone is; its events and streams stay the core's. */
export class LayeredCore {
  readonly #core: StreamingCore
  readonly #layer: StreamLayer | undefined
  readonly #random: (() => number) | undefined
  /** Streams that may ask for another tunnel; nothing is kept of those that are over. */
  readonly #stalls = new WeakMap<Connection, StallWatch>()

  /** `random` (0..1): stalled streams ask for another tunnel, at random times. */
  constructor (core: StreamingCore, layer?: StreamLayer, random?: () => number) {
    this.#core = core
    this.#layer = layer
    this.#random = random
  }

  receive (now: number, message: Incoming): void {
    const { protocol } = message
    const isTaken = protocol !== undefined && this.#layer?.receive(now, { protocol, payload: message.payload }) === true
    if (!isTaken) this.#core.receive(now, message)
    this.#takeReceived(now)
  }

  pollTransmit (now: number): Outgoing | undefined {
    const message = this.#core.pollTransmit(now)
    if (message === undefined) return this.#layer?.pollTransmit(now)
    const connection = this.#core.connection(message.payload.readUInt32BE(OFFSET.RECEIVE_ID))
    const padTo = this.#layer?.sent(now, message, connection?.sendingState ?? UNKNOWN)
    // What the streams send can tell the layer whose the packets are that came before.
    this.#takeReceived(now)
    const switchTunnel = connection !== undefined && this.#isStalled(now, connection)
    return { ...message, ...(padTo !== undefined && { padTo }), ...(switchTunnel && { switchTunnel }) }
  }

  nextTimeout (): number | undefined {
    const [own, layers] = [this.#core.nextTimeout(), this.#layer?.nextTimeout()]
    return own === undefined || layers === undefined ? own ?? layers : Math.min(own, layers)
  }

  handleTimeout (now: number): void {
    this.#core.handleTimeout(now)
    this.#layer?.handleTimeout(now)
  }

  #takeReceived (now: number): void {
    const layer = this.#layer
    if (layer === undefined) return
    for (let packet = layer.pollReceived(); packet !== undefined; packet = layer.pollReceived()) this.#core.receive(now, packet)
    for (let event = layer.pollEvent(); event !== undefined; event = layer.pollEvent()) {
      this.#core.connection(event.stream)?.repaired(now, event.packets)
    }
  }

  #isStalled (now: number, connection: Connection): boolean {
    if (this.#random === undefined) return false
    let watch = this.#stalls.get(connection)
    if (watch === undefined) this.#stalls.set(connection, watch = new StallWatch(this.#random))
    return watch.leaves(now, connection.statistics)
  }
}
