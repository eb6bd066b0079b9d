import { EventEmitter } from 'node:events'
import { LocalDestination } from '@minwww/i2cp/codec'
import { encodeRequestHead, parseResponse, type HttpResponse, type Part } from '@minwww/protocol'
import type { FetchEvent, ServerEvent } from '../../src/core.ts'
import type { ExitCore, RouterSession, IncomingMessage, OutgoingMessage } from '../../src/exit/ports.ts'

/** A Destination that is the same in every run. */
export function keysOf (seed: number): LocalDestination {
  return LocalDestination.generate(length => Buffer.alloc(length, seed))
}

export interface SentMessage { to: string, payload: Buffer, protocol: number }

export class FakeSession extends EventEmitter implements RouterSession {
  readonly keys = keysOf(1)
  readonly clockOffset = 0
  readonly sent: SentMessage[] = []

  get destination () { return this.keys.destination }

  send (to: { b32: string }, payload: Uint8Array, options: { protocol: number }): void {
    this.sent.push({ to: to.b32, payload: Buffer.from(payload), protocol: options.protocol })
  }
}

export type Outcome = { handle: number } & (
  { response: HttpResponse; part: Part } | { failed: string; size: number; retryAfter: number; detail: string }
)

/** What a stream calls the rest of an answer by. */
export function nameOf (handle: number): { session: string, id: number } {
  return { session: '5a2dcf8e478e1034', id: handle }
}

type Said = 'name' | 'atOnce'

/** A core that does no protocol: the test says what is asked, and sees what is answered. */
export class FakeCore implements ExitCore {
  readonly outcomes: Outcome[] = []
  readonly outgoing: OutgoingMessage[] = []
  readonly received: IncomingMessage[] = []
  timeout: number | undefined
  timeouts: number[] = []
  #events: ServerEvent[] = []
  #waiting: Array<() => void> = []

  /** A fetch event without a name has that of `nameOf`; without more, nothing leaves at once. */
  ask (event: Exclude<ServerEvent, FetchEvent> | Omit<FetchEvent, Said> & Partial<Pick<FetchEvent, Said>>): void {
    this.#events.push(event.type === 'fetch' ? { name: nameOf(event.handle), atOnce: 0, ...event } : event)
  }

  receive (_now: number, message: IncomingMessage): void { this.received.push(message) }

  respond (_now: number, handle: number, message: Buffer, part: Part): number {
    this.#settle({ handle, part, response: parseResponse(message, part) })
    return message.length
  }

  fail (_now: number, handle: number, code: string, { size = 0, retryAfter = 0, detail = '' } = {}): void {
    this.#settle({ handle, failed: code, size, retryAfter, detail })
  }

  nextTimeout (): number | undefined { return this.timeout }

  handleTimeout (now: number): void {
    this.timeout = undefined
    this.timeouts.push(now)
  }

  pollTransmit (): OutgoingMessage | undefined { return this.outgoing.shift() }
  pollEvent (): ServerEvent | undefined { return this.#events.shift() }

  /** Resolves when so many answers were given. */
  async answered (count: number): Promise<Outcome[]> {
    while (this.outcomes.length < count) await new Promise<void>(resolve => this.#waiting.push(resolve))
    return this.outcomes
  }

  #settle (outcome: Outcome): void {
    this.outcomes.push(outcome)
    for (const wake of this.#waiting.splice(0)) wake()
  }
}

export function requestMessage (url: string, options: { method?: string, headers?: Array<[string, string]>, body?: Buffer } = {}): Buffer {
  return encodeRequestHead({
    method: options.method ?? 'GET',
    url,
    headers: options.headers ?? [],
    ...(options.body === undefined ? {} : { body: options.body })
  })
}
