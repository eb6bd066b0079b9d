import { PROTOCOL } from '@minwww/i2cp/codec'
import type { Destination, LocalDestination } from '@minwww/i2cp/codec'
import { isParity, ParityCore } from '@minwww/protocol/parity'
import { LayeredCore, StreamingCore } from '@minwww/streaming/core'
import type { StreamingEvent } from '@minwww/streaming/core'
import { departure, type Departure, type WorldMessage, type WorldNode } from './world.ts'

interface NodeOptions {
  readonly keys: LocalDestination
  readonly random: (n: number) => Uint8Array
  /** With parity beneath the streams. */
  readonly hasParity?: boolean
  /** Takes streams to this port. */
  readonly port?: number
  readonly onEvent: (event: StreamingEvent) => void
}

/** The real streaming core as a node, with or without the layer of parity beneath it. */
export class StreamNode implements WorldNode {
  core: StreamingCore
  parity: ParityCore<Destination> | undefined
  readonly addresses: readonly string[]
  readonly #options: NodeOptions
  #wire: LayeredCore

  constructor (options: NodeOptions) {
    this.#options = options
    this.addresses = [options.keys.destination.b32];
    [this.core, this.parity, this.#wire] = this.#make()
  }

  /** Forgets all that was learned. */
  renew (): void { [this.core, this.parity, this.#wire] = this.#make() }

  /** The message is of the layer beneath the streams. */
  owns ({ protocol, payload }: WorldMessage): boolean { return this.parity !== undefined && protocol === PROTOCOL.RAW && isParity(payload) }

  receive (now: number, _address: string, _from: string, message: WorldMessage): void {
    this.#wire.receive(now, message)
    this.#events()
  }

  nextTimeout (): number | undefined { return this.#wire.nextTimeout() }

  handleTimeout (now: number): void {
    this.#wire.handleTimeout(now)
    this.#events()
  }

  pollTransmit (now: number): Departure | undefined {
    const outgoing = this.#wire.pollTransmit(now)
    if (outgoing !== undefined) return departure(this.addresses[0]!, outgoing)
    this.#events()
    return undefined
  }

  #make (): [StreamingCore, ParityCore<Destination> | undefined, LayeredCore] {
    const { keys, random, hasParity = false, port } = this.#options
    const core = new StreamingCore({ keys, random })
    if (port !== undefined) core.listen(port)
    const parity = hasParity ? new ParityCore<Destination>({ random }) : undefined
    return [core, parity, new LayeredCore(core, parity)]
  }

  #events (): void {
    for (let event = this.core.pollEvent(); event !== undefined; event = this.core.pollEvent()) this.#options.onEvent(event)
  }
}
