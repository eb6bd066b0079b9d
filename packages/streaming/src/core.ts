/**
 * The streaming protocol without I/O: StreamingCore and its connections, the options, and the packet codec.
 * See StreamingCore for how to drive it, and test/support/link.ts for two of them in virtual time.
 */
export { StreamingError } from './errors.ts'
export type { StreamingErrorCode } from './errors.ts'
export { FLAG, MAX_DELAY, OFFSET } from './packet/constants.ts'
export { decodePacket } from './packet/decode.ts'
export { encodePacket } from './packet/encode.ts'
export type { OfflineSignature, VerifyingKey } from './packet/offline-signature.ts'
export { packet } from './packet/packet.ts'
export type { Packet, PacketSigner, ReceivedPacket } from './packet/packet.ts'
export { verifyPacket } from './packet/verify.ts'
export { Connection } from './core/connection.ts'
export type { ConnectionEvent, ConnectionState } from './core/connection.ts'
export { ACCEPT_BACKLOG, MAX_HALF_OPEN, MAX_STREAMS, RECEIVE_BUDGET } from './core/constants.ts'
export { ControlBlocks } from './core/control-blocks.ts'
export type { SharedControlBlock } from './core/control-blocks.ts'
export type { PathKnowledge } from './core/knowledge.ts'
export { OPTION_TABLE, defaultOptions, parseOptions, resolveOptions } from './core/options.ts'
export type { OptionRow, StreamingOptions } from './core/options.ts'
export type { ConnectionStatistics } from './core/statistics.ts'
export { StreamingCore } from './core/streaming-core.ts'
export type { ConnectRequest, CoreStatistics, Incoming, Outgoing, RejectReason, StreamingCoreInit, StreamingEvent } from './core/types.ts'
