export { RouterError } from './errors.ts'
export type { RouterErrorCode } from './errors.ts'
export type { Delivery, LossReason, NetworkStats, TraceEvent } from './network/flight.ts'
export { NetworkModel } from './network/model.ts'
export type { NetworkMessage } from './network/model.ts'
export { NETWORK_DEFAULTS, networkOptions } from './network/options.ts'
export type { DestinationOptions, NetworkOptions, NetworkProfile } from './network/options.ts'
export {
  FRAGMENT_CAPACITY, GARLIC_OVERHEAD, MAX_CONTAINER, MAX_GARLIC, TUNNEL_MESSAGE_WIRE, tunnelMessages
} from './network/sizes.ts'
export type { Tunnel } from './network/tunnel.ts'
