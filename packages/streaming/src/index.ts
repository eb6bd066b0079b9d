/**
 * @minwww/streaming: the I2P streaming protocol over an I2CP session, with the API of node:net.
 */
export { BOUNDS } from './bounds.ts'
export * from './core.ts'
export { connect, createServer } from './convenience.ts'
export type { Environment, SessionMessage, StreamSession } from './environment.ts'
export { forwardFromTcp, forwardToTcp } from './forwarding.ts'
export type { Forwarding, ForwardFromTcpOptions, ForwardingFromTcp, ForwardingToTcp, ForwardToTcpOptions } from './forwarding.ts'
export { StreamManager, createStreamManager } from './stream-manager.ts'
export type { ConnectOptions, PingOptions, PingResult } from './stream-manager.ts'
export { StreamServer } from './stream-server.ts'
export { StreamSocket } from './stream-socket.ts'
export type { StreamSocketOptions } from './stream-socket.ts'
