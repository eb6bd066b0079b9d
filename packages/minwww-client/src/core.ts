export type { ClientConfig } from './core/config.ts'
export { DEFAULT_CONFIG } from './core/config.ts'
export type { FailureCode, LocalFailure } from './core/failures.ts'
export type {
  ClientEvent, ClientStats, ExitState, ExitStatus, Incoming, Outgoing, RequestOptions, RequestTrace, RestName
} from './core/types.ts'
export type { Strategy } from './pool/strategies.ts'
export { STRATEGIES } from './pool/strategies.ts'
export type { ClientCoreOptions } from './core/client-core.ts'
export { ClientCore } from './core/client-core.ts'
export type { ClientState } from './core/state.ts'
export type { PoolState } from './pool/pool.ts'
export { ExitPool } from './pool/pool.ts'
