import { ClientCore } from '@minwww/client/core'
import type { ClientConfig, ClientEvent } from '@minwww/client/core'
import type { LocalDestination } from '@minwww/i2cp/codec'
import { wireBytes } from '@minwww/protocol'
import { ServerCore, type FetchEvent } from '@minwww/server/core'
import { pageResponse, requestedPage } from './http.ts'
import { departure, type Departure, type World, type WorldMessage, type WorldNode } from './world.ts'

/** The real client core as a node. */
export class ClientNode implements WorldNode {
  readonly core: ClientCore
  readonly addresses: readonly string[]
  readonly #onEvent: (event: ClientEvent) => void
  /** Received, in whole tunnel messages. */
  bytes = 0

  constructor (o: {
    keys: LocalDestination[], random: (n: number) => Uint8Array, config?: Partial<ClientConfig>, onEvent: (event: ClientEvent) => void
  }) {
    this.addresses = o.keys.map(key => key.destination.b32)
    this.core = new ClientCore({ keys: o.keys, random: o.random, ...(o.config === undefined ? {} : { config: o.config }) })
    this.#onEvent = o.onEvent
  }

  receive (now: number, address: string, _from: string, message: WorldMessage): void {
    this.bytes += wireBytes(message.payload.length)
    this.core.receive(now, this.addresses.indexOf(address), message)
    this.#events()
  }

  nextTimeout (): number | undefined {
    return this.core.nextTimeout()
  }

  handleTimeout (now: number): void {
    this.core.handleTimeout(now)
    this.#events()
  }

  pollTransmit (now: number): Departure | undefined {
    this.#events()
    const outgoing = this.core.pollTransmit(now)
    return outgoing === undefined ? undefined : departure(this.addresses[outgoing.source]!, outgoing)
  }

  #events (): void {
    for (let event = this.core.pollEvent(); event !== undefined; event = this.core.pollEvent()) this.#onEvent(event)
  }
}

interface ServerNodeOptions {
  keys: LocalDestination
  random: (n: number) => Uint8Array
  config?: ConstructorParameters<typeof ServerCore>[0]['config']
}

/** The real exit core as a node; what it fetches is the business of who extends it. */
export abstract class ServerNode implements WorldNode {
  readonly core: ServerCore
  readonly addresses: readonly string[]
  /** Sent, in whole tunnel messages. */
  bytes = 0

  constructor ({ keys, random, config }: ServerNodeOptions) {
    this.addresses = [keys.destination.b32]
    this.core = new ServerCore({ keys, random, ...(config === undefined ? {} : { config }) })
  }

  protected abstract fetch (now: number, event: FetchEvent): void

  receive (now: number, _address: string, _from: string, message: WorldMessage): void {
    this.core.receive(now, message)
    this.#events(now)
  }

  nextTimeout (): number | undefined {
    return this.core.nextTimeout()
  }

  handleTimeout (now: number): void {
    this.core.handleTimeout(now)
    this.#events(now)
  }

  pollTransmit (now: number): Departure | undefined {
    const outgoing = this.core.pollTransmit(now)
    if (outgoing === undefined) return undefined
    this.bytes += wireBytes(outgoing.payload.length)
    return departure(this.addresses[0]!, outgoing)
  }

  #events (now: number): void {
    for (let event = this.core.pollEvent(); event !== undefined; event = this.core.pollEvent()) {
      if (event.type === 'fetch') this.fetch(now, event)
    }
  }
}

/** An answer of `size` bytes: how many of them go out as messages. */
export type BeginningOf = (answer: { name: string, size: number, atOnce: number, to: string }) => number

/** With a web of pages whose size is in their path. */
export class ExitNode extends ServerNode {
  readonly #world: World
  readonly #random: (n: number) => Uint8Array
  readonly #fetchTime: () => number
  readonly #begin: BeginningOf | undefined
  readonly #pages = new Map<number, Buffer>()
  /** How often each path was fetched. */
  readonly fetched = new Map<string, number>()

  constructor (o: ServerNodeOptions & {
    world: World,
    fetchTime?: () => number,
    /** How much of a page goes out as messages, bytes: it may be all of it. */
    begin?: BeginningOf
  }) {
    super(o)
    this.#world = o.world
    this.#random = o.random
    this.#fetchTime = o.fetchTime ?? (() => 0)
    this.#begin = o.begin
  }

  /** The page of a size: the same bytes each time. */
  page (size: number): Buffer {
    let page = this.#pages.get(size)
    if (page === undefined) this.#pages.set(size, page = pageResponse(size, this.#random))
    return page
  }

  protected override fetch (now: number, event: FetchEvent): void {
    const { handle } = event
    const { size, path } = requestedPage(event.message)
    this.fetched.set(path, (this.fetched.get(path) ?? 0) + 1)
    const page = this.page(size)
    const begun = this.#beginningOf(event, page.length)
    const respond = (at: number): void => {
      this.core.respond(at, handle, page.subarray(0, begun), begun < page.length ? 'beginning' : 'whole')
    }
    const wait = this.#fetchTime()
    if (wait <= 0) respond(now)
    else this.#world.at(now + wait, () => respond(this.#world.now))
  }

  #beginningOf ({ name, atOnce, from }: FetchEvent, size: number): number {
    return 'session' in name ? this.#begin?.({ name: `${name.session}/${name.id}`, size, atOnce, to: from.b32 }) ?? size : size
  }
}
