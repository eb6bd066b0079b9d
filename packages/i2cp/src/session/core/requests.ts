import type { Destination } from '../../data/destination.ts'
import { I2cpError } from '../../errors.ts'
import type { BandwidthLimits } from '../../messages/bandwidth-limits.ts'
import type { HostReply } from '../../messages/host-reply.ts'
import type { LookupKey } from '../../messages/host-lookup.ts'
import type { MessageStatus } from '../../messages/message-status.ts'
import type { Message } from '../../messages/table.ts'
import { TYPE } from '../../messages/types.ts'
import type { SessionEvent } from './events.ts'
import { Lookups } from './lookups.ts'
import { Statuses } from './statuses.ts'

/** Most callers that wait for the bandwidth limits. */
export const MAX_BANDWIDTH_WAITERS = 256

/** What waits for an answer of the router. Look-ups and bandwidth requests outlive a connection, statuses do not. */
export class Requests {
  readonly #lookups = new Lookups()
  readonly #statuses = new Statuses()
  readonly #put: (message: Message) => void
  readonly #emit: (event: SessionEvent) => void
  #bandwidthWaiters = 0

  constructor (put: (message: Message) => void, emit: (event: SessionEvent) => void) {
    this.#put = put
    this.#emit = emit
  }

  /** `sessionId` undefined: asked when a session stands. Throws I2CP_BUSY. */
  lookup (now: number, key: LookupKey, timeout: number, sessionId: number | undefined): number {
    const id = this.#lookups.add(now, key, timeout)
    if (sessionId !== undefined) this.#put(this.#lookups.message(id, sessionId))
    return id
  }

  cancelLookup (id: number): void { this.#lookups.cancel(id) }

  /** Throws I2CP_BUSY. */
  bandwidth (sessionId: number | undefined): void {
    if (this.#bandwidthWaiters >= MAX_BANDWIDTH_WAITERS) throw new I2cpError('I2CP_BUSY')
    if (this.#bandwidthWaiters++ === 0 && sessionId !== undefined) this.#put({ type: TYPE.GetBandwidthLimits })
  }

  nonce (to: Destination): number { return this.#statuses.add(to) }

  /** A session stands (again): ask what has no answer yet. */
  resume (sessionId: number): void {
    for (const id of this.#lookups.ids()) this.#put(this.#lookups.message(id, sessionId))
    if (this.#bandwidthWaiters > 0) this.#put({ type: TYPE.GetBandwidthLimits })
  }

  /** False if nobody waits for it. */
  answer (message: HostReply | BandwidthLimits | MessageStatus): boolean {
    switch (message.type) {
      case TYPE.HostReply: {
        const result = this.#lookups.answer(message)
        if (result !== undefined) this.#emit({ type: 'lookup', handle: message.requestId, result })
        return result !== undefined
      }
      case TYPE.BandwidthLimits:
        for (; this.#bandwidthWaiters > 0; this.#bandwidthWaiters--) this.#emit({ type: 'bandwidth', result: message.limits })
        return true
      case TYPE.MessageStatus: {
        const status = this.#statuses.answer(message.nonce, message.status)
        if (status !== undefined) this.#emit({ type: 'status', status })
        return status !== undefined
      }
    }
  }

  nextTimeout (): number { return this.#lookups.nextTimeout() ?? Infinity }

  handleTimeout (now: number): void {
    for (const handle of this.#lookups.expire(now)) {
      this.#emit({ type: 'lookup', handle, result: new I2cpError('I2CP_TIMEOUT', 'the look-up got no answer') })
    }
  }

  connectionLost (): void { this.#statuses.clear() }

  fail (error: I2cpError): void {
    for (const handle of this.#lookups.clear()) this.#emit({ type: 'lookup', handle, result: error })
    for (; this.#bandwidthWaiters > 0; this.#bandwidthWaiters--) this.#emit({ type: 'bandwidth', result: error })
  }
}
