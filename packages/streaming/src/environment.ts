import { randomBytes } from 'node:crypto'
import { silentLogger } from '@minwww/ground'
import type { Clock, Logger } from '@minwww/ground'
import { systemClock } from '@minwww/ground/node'
import type { Destination, LocalDestination } from '@minwww/i2cp'
import type { StreamLayer } from './core/layered-core.ts'

/** What a manager needs of an I2CP session; that of @minwww/i2cp fits. */
export interface StreamSession {
  readonly keys: LocalDestination
  readonly destination: Destination
  readonly clockOffset: number
  send (to: Destination, payload: Uint8Array, options: {
    protocol: number, fromPort?: number, toPort?: number, notify?: boolean, switchTunnel?: boolean, padTo?: number
  }): unknown
  lookup (name: string, options?: { timeout?: number, signal?: AbortSignal }): Promise<Destination>
  on (event: 'message', listener: (message: SessionMessage) => void): unknown
  on (event: 'status', listener: (status: SendStatus) => void): unknown
  on (event: 'close', listener: (error: Error | undefined) => void): unknown
  off (event: 'message', listener: (message: SessionMessage) => void): unknown
  off (event: 'status', listener: (status: SendStatus) => void): unknown
  off (event: 'close', listener: (error: Error | undefined) => void): unknown
}

/** What the router says about a message that was sent with `notify`; send() returned its nonce. */
export interface SendStatus {
  readonly nonce: number
  /** MESSAGE_STATUS of I2CP. */
  readonly status: number
  /** The message will not arrive. */
  readonly certainFailure: boolean
}

export interface SessionMessage {
  readonly protocol: number
  readonly fromPort: number
  readonly toPort: number
  readonly payload: Buffer
}

export interface Environment {
  readonly logger: Logger
  readonly clock: Clock
  readonly random: (n: number) => Uint8Array
  /** Beneath the streams; none by default. */
  readonly layer?: StreamLayer
  /** Stalled streams ask the router for another outbound tunnel (proposal 171, a draft). Default false. */
  readonly switchesTunnels?: boolean
}

export function environment (given: Partial<Environment> = {}): Environment {
  const { logger = silentLogger, clock = systemClock, random = randomBytes, layer, switchesTunnels = false } = given
  return { logger, clock, random, switchesTunnels, ...(layer !== undefined && { layer }) }
}
