import type { Destination } from '@minwww/i2cp/codec'
import type { VerifyingKey } from '../packet/offline-signature.ts'
import type { ConnectionConfig } from './config.ts'
import type { SharedControlBlock } from './control-blocks.ts'
import type { LocalIdentity } from './packet-writer.ts'
import type { ReceiveBudget } from './receive-budget.ts'

/** What one stream begins with. */
export interface ConnectionInit {
  now: number
  inbound: boolean
  identity: LocalIdentity
  peer: Destination
  /** The key that signs for the peer: its own, or a transient one. */
  peerKey: VerifyingKey
  localPort: number
  remotePort: number
  /** Our stream ID, and the peer's or 0. */
  receiveStreamId: number
  sendStreamId: number
  config: ConnectionConfig
  shared?: SharedControlBlock | undefined
  /** The peer is asked for its stream when it is silent; see ConnectRequest. */
  asks?: boolean | undefined
  /** 0..1, for the timers. */
  jitter: number
  /** Bound over all connections, for what is received and not read. */
  budget?: ReceiveBudget
  /** Called when the application's doing may have made a packet ready or moved a deadline. */
  wake?: () => void
}
