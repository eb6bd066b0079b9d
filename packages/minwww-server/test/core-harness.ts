import { encodeDatagram2, LocalDestination } from '@minwww/i2cp/codec'
import {
  decodeMessage, decodeObject, encodeMessage, encodeObject, encodeOpenBody, encodeRequestHead, ErasureDecoder, paddedLength, parseRequest,
  sessionKeys, tunnelMessagesOf
} from '@minwww/protocol'
import type { ErrorMessage, Once, PushGrant, ReplyMessage, RequestBlock, SessionKeys, TaggedMessage } from '@minwww/protocol'
import { EPOCH, seeded } from '@minwww/testkit'
import { ServerCore } from '../src/core.ts'
import type { ServerConfig, ServerEvent } from '../src/core.ts'

export const EXIT_PORT = 80
export const CLIENT_PORT = 4480
/** A drive loop that takes more steps than this hangs. */
const MAX_STEPS = 100_000

/** An HTTP response whose body does not compress, so that its object is a little over `size` bytes. */
export function page (size: number, seed = 'page'): Buffer {
  return Buffer.concat([Buffer.from('HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n'), seeded(seed)(size)])
}

const HEAD = encodeRequestHead({ method: 'GET', url: 'http://site.i2p/', headers: [['Host', 'site.i2p']] })
export const GET = encodeObject(HEAD, { kind: 'request' })

export interface Sent {
  at: number
  to: string
  message: TaggedMessage
  length: number
  tunnelMessages: number
}

/** What every REQUEST and OPEN says. */
interface Fields { attempt: number, flags: number, session: Buffer, id: number, loss: number, rate: number, max: number, shape: number }
type Facts = Partial<Omit<Fields, 'id' | 'flags'> & { object: Buffer, time: number, key: Buffer, push: PushGrant, once: Once }>

const blockOf = ({ push, once }: Facts): RequestBlock => ({ ...(push && { push }), ...(once && { once }) })

/** One client Destination with one session, that can say anything. */
export class Client {
  readonly keys: LocalDestination
  readonly session: SessionKeys
  readonly secret: Buffer
  readonly #world: World

  constructor (world: World, seed: string) {
    const random = seeded(seed)
    this.#world = world
    this.keys = LocalDestination.generate(random)
    this.secret = random(16)
    this.session = sessionKeys(this.secret)
  }

  openPayload (id: number, facts: Facts = {}, target = this.#world.keys.destination.hash): Buffer {
    const body = encodeOpenBody({
      type: 'open',
      ...this.#fields(id, facts),
      time: Math.floor(facts.time ?? this.#world.now / 1000),
      key: facts.key ?? this.secret,
      object: facts.object ?? GET,
      ...blockOf(facts)
    }, 1300)
    return encodeDatagram2(this.keys, target, body)
  }

  open (id: number, facts: Facts = {}): void {
    this.#world.receive(19, this.openPayload(id, facts))
  }

  requestPayload (id: number, facts: Facts = {}): Buffer {
    return encodeMessage(
      { type: 'request', ...this.#fields(id, facts), object: facts.object ?? GET, ...blockOf(facts) },
      this.session.client,
      paddedLength(0)
    )
  }

  request (id: number, facts: Facts = {}): void {
    this.#world.receive(18, this.requestPayload(id, facts))
  }

  want (id: number, from: number, count: number, facts: Facts = {}): void {
    this.send({ type: 'want', ...this.#fields(id, { attempt: 1, ...facts }), from, count })
  }

  cancel (id: number, attempt = 0): void {
    this.send({ type: 'cancel', attempt, flags: 0, session: this.session.session, id })
  }

  send (message: TaggedMessage): void {
    this.#world.receive(18, encodeMessage(message, this.session.client))
  }

  /** What came for this client. */
  get received (): Sent[] {
    return this.#world.sent.filter(({ to }) => to === this.keys.destination.b32)
  }

  replies (id: number): ReplyMessage[] {
    return this.received.map(({ message }) => message).filter(message => message.type === 'reply').filter(message => message.id === id)
  }

  errors (id: number): ErrorMessage[] {
    return this.received.map(({ message }) => message).filter(message => message.type === 'error').filter(message => message.id === id)
  }

  /** The response that these symbols make; undefined if there are too few. */
  assemble (replies: ReplyMessage[]): Buffer | undefined {
    const first = replies[0]!
    const decoder = new ErasureDecoder(first.size, first.symbol.length)
    for (const { index, symbol } of replies) decoder.add(index, symbol)
    return decoder.complete ? decodeObject(decoder.result(), 1e6) : undefined
  }

  #fields (id: number, facts: Facts): Fields {
    const { attempt = 0, loss = 13, rate = 0, max = 72, shape = 8, session = this.session.session } = facts
    return { attempt, flags: 0, session, id, loss, rate, max, shape }
  }
}

/** An exit in virtual time. Answers fetches with `answer` at once, or keeps them in `fetches` when that returns nothing. */
export class World {
  now: number
  readonly keys: LocalDestination
  readonly core: ServerCore
  readonly sent: Sent[] = []
  readonly fetches: Array<Extract<ServerEvent, { type: 'fetch' }>> = []
  readonly cancelled: number[] = []
  answer: (url: string) => Buffer | undefined = () => page(300)
  readonly #clients = new Map<string, Client>()

  constructor (config: Partial<ServerConfig> = {}, seed = 'exit', clockOffset = 0, now = EPOCH) {
    this.now = now
    this.keys = LocalDestination.generate(seeded(seed))
    this.core = new ServerCore({ keys: this.keys, random: seeded(`${seed} core`), config, clockOffset: () => clockOffset, now: this.now })
  }

  client (seed: string): Client {
    const client = new Client(this, seed)
    this.#clients.set(client.keys.destination.b32, client)
    return client
  }

  receive (protocol: number, payload: Buffer): void {
    this.core.receive(this.now, { protocol, fromPort: CLIENT_PORT, toPort: EXIT_PORT, payload })
    this.flush()
  }

  /** Everything that can happen without time passing. */
  flush (): void {
    for (let step = 0; step < MAX_STEPS; step++) {
      const event = this.core.pollEvent()
      if (event !== undefined) this.#handle(event)
      const outgoing = this.core.pollTransmit(this.now)
      if (outgoing === undefined) {
        if (event === undefined) return
        continue
      }
      const client = this.#clients.get(outgoing.to.b32)!
      this.sent.push({
        at: this.now,
        to: outgoing.to.b32,
        message: decodeMessage(outgoing.payload, client.session.server),
        length: outgoing.payload.length,
        tunnelMessages: tunnelMessagesOf(outgoing.payload.length)
      })
    }
    throw new Error('the core never comes to rest')
  }

  /** Lets time pass, timer by timer. */
  run (milliseconds: number): void {
    const end = this.now + milliseconds
    for (let step = 0; step < MAX_STEPS; step++) {
      this.flush()
      const next = this.core.nextTimeout()
      if (next === undefined || next > end) {
        this.now = end
        return
      }
      this.now = Math.max(this.now, next)
      this.core.handleTimeout(this.now)
    }
    throw new Error('the core never waits')
  }

  #handle (event: ServerEvent): void {
    if (event.type === 'cancelled') {
      this.cancelled.push(event.handle)
      return
    }
    this.fetches.push(event)
    const response = this.answer(parseRequest(event.message).url)
    if (response !== undefined) this.core.respond(this.now, event.handle, response)
  }
}
