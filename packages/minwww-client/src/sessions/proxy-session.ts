import type { DeliveryStatus, I2cpError, ReceivedMessage, Session, SessionState } from '@minwww/i2cp'

/** What the proxy needs of an I2CP session; that of @minwww/i2cp fits, and so does what a test puts in its place. */
export interface ProxySession extends Pick<Session, 'keys' | 'destination' | 'state' | 'clockOffset' | 'limits' | 'send' | 'lookup'> {
  /** Of i2pd the paths can be refreshed. */
  readonly routerKind?: Session['routerKind']
  republish?: Session['republish']
  /** Called when another one is in its place. */
  close?: () => Promise<unknown>
  on (event: 'message', listener: (message: ReceivedMessage) => void): unknown
  on (event: 'state', listener: (state: SessionState) => void): unknown
  on (event: 'status', listener: (status: DeliveryStatus) => void): unknown
  on (event: 'close', listener: (error: I2cpError | undefined) => void): unknown
  off (event: 'message', listener: (message: ReceivedMessage) => void): unknown
  off (event: 'state', listener: (state: SessionState) => void): unknown
  off (event: 'status', listener: (status: DeliveryStatus) => void): unknown
  off (event: 'close', listener: (error: I2cpError | undefined) => void): unknown
}
