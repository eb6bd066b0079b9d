import { decodeGzipPayload } from '../../datagrams/gzip.ts'
import type { Destination } from '../../data/destination.ts'
import type { Mapping } from '../../data/mapping.ts'
import type { MessagePayload } from '../../messages/message-payload.ts'
import type { MessageStatus } from '../../messages/message-status.ts'
import type { Message } from '../../messages/table.ts'
import { TYPE } from '../../messages/types.ts'
import type { SessionEvent, SessionStats } from './events.ts'
import { Idle } from './idle.ts'
import type { IdleOptions } from './idle.ts'
import { sendMessage } from './send.ts'
import type { SendOptions } from './send.ts'

export interface TrafficOptions {
  readonly idle: IdleOptions
  readonly gzip: boolean
  readonly stats: SessionStats
  readonly put: (message: Message) => void
  readonly emit: (event: SessionEvent) => void
  /** Sends changed options to the router. */
  readonly reconfigure: (now: number, options: Mapping) => void
}

/** Documented default of inbound.quantity and outbound.quantity. */
const DEFAULT_TUNNELS = '2'

/** Messages in both directions over a session that stands, and what their absence leads to. */
export class Traffic {
  readonly #options: TrafficOptions
  readonly #idle: Idle
  #fastReceive = true

  constructor (options: TrafficOptions) {
    this.#options = options
    this.#idle = new Idle(options.idle)
  }

  start (now: number): void { this.#idle.start(now) }

  nextTimeout (): number { return this.#idle.nextTimeout() }

  /** `sessionOptions`: those in force, to restore tunnels from. `expiration`: by the router's clock. */
  send (
    now: number, sessionId: number, to: Destination, payload: Uint8Array, nonce: number, expiration: number, o: SendOptions,
    sessionOptions: Mapping
  ): void {
    const { stats, put, gzip } = this.#options
    put(sendMessage(sessionId, to, payload, nonce, expiration, { gzip, ...o }))
    stats.messagesSent++
    stats.bytesSent += payload.length
    this.#active(now, sessionOptions)
  }

  /** Throws I2CP_MALFORMED, I2CP_PAYLOAD_TOO_LARGE for a bad container. */
  receive (now: number, { sessionId, messageId, payload }: MessagePayload, sessionOptions: Mapping): void {
    const { stats, put, emit } = this.#options
    if (!this.#fastReceive) put({ type: TYPE.ReceiveMessageEnd, sessionId, messageId })
    const message = decodeGzipPayload(payload)
    stats.messagesReceived++
    stats.bytesReceived += message.payload.length
    this.#active(now, sessionOptions)
    emit({ type: 'message', message })
  }

  /** A router without fastReceive keeps messages until they are asked for. */
  fetch ({ sessionId, messageId }: MessageStatus): void {
    this.#fastReceive = false
    this.#options.put({ type: TYPE.ReceiveMessageBegin, sessionId, messageId })
  }

  /** True if the session has to be closed. */
  checkIdle (now: number): boolean {
    const verdict = this.#idle.check(now)
    if (verdict === 'reduce') {
      const quantity = String(this.#options.idle.reduceQuantity ?? 1)
      this.#options.reconfigure(now, { 'inbound.quantity': quantity, 'outbound.quantity': quantity })
    }
    return verdict === 'close'
  }

  #active (now: number, sessionOptions: Mapping): void {
    if (!this.#idle.active(now)) return
    const value = (name: string) => ({ [name]: sessionOptions[name] ?? DEFAULT_TUNNELS })
    this.#options.reconfigure(now, { ...value('inbound.quantity'), ...value('outbound.quantity') })
  }
}
