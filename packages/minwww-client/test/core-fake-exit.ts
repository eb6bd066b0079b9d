import { decodeDatagram2, LocalDestination } from '@minwww/i2cp/codec'
import {
  decodeMessage, decodeOpenBody, encodeMessage, encodeObject, encodeRate, encodeResponse, ERROR_CODES, ErasureEncoder,
  peekPrefix, sessionKeys
} from '@minwww/protocol'
import type { Message, Part, SessionKeys, WireErrorName } from '@minwww/protocol'
import { seeded } from '@minwww/testkit'
import { ClientCore } from '../src/core.ts'
import type { ClientConfig, ClientEvent, Incoming, Outgoing } from '../src/core.ts'

/** Making keys costs more than most of these tests. */
const known = new Map<number, LocalDestination>()
export function keysOf (seed: number): LocalDestination {
  const keys = known.get(seed) ?? LocalDestination.generate(seeded(seed))
  known.set(seed, keys)
  return keys
}

/** The other end, by hand: reads what a client sends, and makes any answer, right or wrong. */
export class FakeExit {
  readonly keys: LocalDestination
  readonly sessions = new Map<string, SessionKeys>()

  constructor (seed = 7) {
    this.keys = keysOf(seed)
  }

  read ({ protocol, payload }: Outgoing): Message {
    if (protocol === 19) {
      const open = decodeOpenBody(decodeDatagram2(payload, this.keys.destination.hash).payload)
      const keys = sessionKeys(open.key)
      this.sessions.set(keys.session.toString('hex'), keys)
      return open
    }
    return decodeMessage(payload, this.#keys(peekPrefix(payload)!.session).client)
  }

  /** Symbols of a reply, in the order of `indices`. @param o - `told`: what a reply without an object says */
  reply (
    to: Message,
    object: Buffer,
    o: {
      symbolLength?: number, indices?: number[], last?: number, pace?: number, time?: number, attempt?: number, part?: Part, told?: Buffer
    } = {}
  ): Incoming[] {
    const symbolLength = o.symbolLength ?? Math.max(1, object.length)
    const encoder = object.length > 0 ? new ErasureEncoder(object, symbolLength) : undefined
    const k = encoder?.k ?? 1
    const indices = o.indices ?? Array.from({ length: k }, (_, index) => index)
    return indices.map(index => this.raw(to, {
      type: 'reply',
      part: o.part ?? 'whole',
      attempt: o.attempt ?? to.attempt,
      flags: 0,
      session: to.session,
      id: to.id,
      size: object.length,
      index,
      last: o.last ?? Math.max(...indices),
      pace: encodeRate(o.pace ?? 131_072),
      time: o.time ?? 0,
      symbol: encoder?.symbol(index) ?? o.told ?? Buffer.alloc(600)
    }))
  }

  /** Symbols of what nobody has asked for. */
  push (to: Message, id: number, object: Buffer, o: { symbolLength?: number, indices?: number[], attempt?: number } = {}): Incoming[] {
    const symbolLength = o.symbolLength ?? Math.max(1, object.length)
    const encoder = new ErasureEncoder(object, symbolLength)
    const indices = o.indices ?? Array.from({ length: encoder.k }, (_, index) => index)
    const last = Math.max(...indices)
    return indices.map(index => this.raw(to, {
      type: 'push',
      attempt: o.attempt ?? 0,
      flags: 0,
      session: to.session,
      id,
      size: object.length,
      index,
      last,
      pace: encodeRate(131_072),
      time: 0,
      symbol: encoder.symbol(index)
    }))
  }

  working (to: Message, next = 5): Incoming {
    return this.raw(to, { type: 'working', attempt: to.attempt, flags: 0, session: to.session, id: to.id, next })
  }

  error (to: Message, name: WireErrorName, o: { retryAfter?: number, size?: number, detail?: string } = {}): Incoming {
    return this.raw(to, {
      type: 'error',
      attempt: to.attempt,
      flags: 0,
      session: to.session,
      id: to.id,
      code: ERROR_CODES[name],
      retryAfter: o.retryAfter ?? 0,
      size: o.size ?? 0,
      detail: o.detail ?? ''
    })
  }

  raw (to: Message, message: Exclude<Message, { type: 'open' }>): Incoming {
    return { protocol: 18, fromPort: 80, toPort: 4480, payload: encodeMessage(message, this.#keys(to.session).server) }
  }

  #keys (session: Buffer): SessionKeys {
    const keys = this.sessions.get(session.toString('hex'))
    if (keys === undefined) throw new Error('a session that was never opened')
    return keys
  }
}

/** The object of a page with this body. */
export function pageObject (body: Buffer | string): Buffer {
  return encodeObject(pageBytes(body))
}

export function pageBytes (body: Buffer | string, headers: Array<[string, string]> = []): Buffer {
  return encodeResponse({ status: 200, reason: 'OK', headers: [['content-type', 'image/png'], ...headers], body: Buffer.from(body) })
}

export type Outcome = Extract<ClientEvent, { type: 'response' | 'failed' }>

/** A client core with a clock that only the test moves. */
export class Bench {
  now = 1_000_000
  readonly core: ClientCore

  constructor (config: Partial<ClientConfig> = {}, sources = 2) {
    const keys = Array.from({ length: sources }, (_, index) => keysOf(100 + index))
    this.core = new ClientCore({ keys, random: seeded(55), config })
  }

  /** Everything that the core sends now. */
  sent (): Outgoing[] {
    const all: Outgoing[] = []
    for (let o = this.core.pollTransmit(this.now); o !== undefined; o = this.core.pollTransmit(this.now)) all.push(o)
    return all
  }

  events (): ClientEvent[] {
    const all: ClientEvent[] = []
    for (let e = this.core.pollEvent(); e !== undefined; e = this.core.pollEvent()) all.push(e)
    return all
  }

  outcomes (): Outcome[] {
    return this.events().filter((e): e is Outcome => e.type === 'response' || e.type === 'failed')
  }

  /** Goes to a time, stopping at each timeout on the way. */
  goTo (time: number): Outgoing[] {
    const all = this.sent()
    for (let steps = 0; ; steps++) {
      if (steps > 10_000) throw new Error('livelock')
      const next = this.core.nextTimeout()
      if (next === undefined || next > time) break
      this.now = Math.max(this.now, next)
      this.core.handleTimeout(this.now)
      all.push(...this.sent())
    }
    this.now = time
    return all
  }

  wait (milliseconds: number): Outgoing[] {
    return this.goTo(this.now + milliseconds)
  }

  receive (messages: Incoming | Incoming[], source = 0): void {
    for (const message of [messages].flat()) this.core.receive(this.now, source, message)
  }

  /** Adds an exit and answers its probe after `rtt` ms: session open, one sample of the round trip. */
  ready (id: string, exit: FakeExit, rtt = 200): void {
    this.core.addExit(this.now, { id, destination: exit.keys.destination })
    const probe = exit.read(this.sent()[0]!)
    this.wait(rtt)
    this.receive(exit.reply(probe, Buffer.alloc(0)))
    this.sent()
  }

  /**
   * Nothing follows the exits' first answers: after 2 s they are asked once more, and answer.
   * @returns what was sent in that time
   */
  confirmed (...exits: FakeExit[]): Outgoing[] {
    const sent = this.wait(2_000)
    for (const message of sent) {
      const exit = exits.find(({ keys }) => message.to.equals(keys.destination))!
      this.receive(exit.reply(exit.read(message), Buffer.alloc(0)), message.source)
    }
    this.events()
    return [...sent, ...this.sent()]
  }

  get (o: { idempotent?: boolean, site?: string, timeout?: number, isPage?: boolean } = {}): number {
    const method = o.idempotent === false ? 'POST' : 'GET'
    return this.core.request(this.now, {
      message: Buffer.from(`${method} http://a.i2p/ HTTP/1.1\r\n\r\n`),
      site: o.site ?? 'a.i2p',
      idempotent: o.idempotent ?? true,
      ...(o.isPage === undefined ? {} : { isPage: o.isPage }),
      ...(o.timeout === undefined ? {} : { timeout: o.timeout })
    })
  }
}

export const isAsk = (message: Message): boolean => (message.type === 'open' || message.type === 'request') && message.object.length > 0

/**
 * What leaves from `begun` until then, where the exits say nothing more: time in ms, exit and own Destination, what, attempt and copy.
 * @param last - takes what each exit was asked last
 */
export function schedule (bench: Bench, exits: FakeExit[], span: number, begun = bench.now, last: Message[] = []): string[] {
  const rows: string[] = []
  for (let next: number | undefined = bench.now; next !== undefined && next <= begun + span; next = bench.core.nextTimeout()) {
    bench.now = Math.max(bench.now, next)
    bench.core.handleTimeout(bench.now)
    for (const sent of bench.sent()) {
      const index = exits.findIndex(({ keys }) => sent.to.equals(keys.destination))
      const message = exits[index]!.read(sent)
      const name = (message.type === 'open' || message.type === 'request') && !isAsk(message) ? 'probe' : message.type
      const more = details(message)
      if (name !== 'cancel') last[index] = message
      rows.push(`${Math.round(bench.now - begun)} ${'abc'[index]}${sent.source} ${name} ${message.attempt}.${message.flags}${more}`)
    }
  }
  bench.now = begun + span
  return rows
}

function details (message: Message): string {
  switch (message.type) {
    case 'want': return ` ${message.from}+${message.count}`
    case 'body': return ` ${message.index}/${message.last}`
    default: return ''
  }
}
