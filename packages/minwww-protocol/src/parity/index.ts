/** Parity beneath streams: the layer between an I2CP session and the streaming core (docs/reference/protocol.md, section 9.1). */
export { ParityCore } from './parity-core.ts'
export type { LayerMessage, ParityStatistics, Repaired, SentMessage } from './parity-core.ts'
export type { StreamState } from './sending.ts'
export { decodeParity, encodeParity, isParity } from './messages.ts'
export type { GroupMessage, HelloMessage, ParityMessage, RepairsMessage } from './messages.ts'
export { MAX_GROUP, PARITY_PAYLOAD } from './symbols.ts'
