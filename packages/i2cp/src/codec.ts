/**
 * The codec of @minwww/i2cp: messages, common structures and datagrams, without I/O. Cores import this entry.
 */
export * from './errors.ts'
export * from './data/index.ts'
export * from './crypto/index.ts'
export * from './messages/index.ts'
export * from './datagrams/index.ts'

/**
 * Largest payload a session sends, bytes before the gzip container. Larger ones are lost without a word on real
 * routers (above about 62,500) and can abort i2pd (above 63,000).
 */
export const MAX_PAYLOAD = 61_440
