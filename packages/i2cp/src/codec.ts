/**
 * The codec of @minwww/i2cp: messages, common structures and datagrams, without I/O. Cores import this entry.
 */
export * from './errors.ts'
export * from './data/index.ts'
export * from './crypto/index.ts'
export * from './messages/index.ts'
export * from './datagrams/index.ts'
export * from './bound.ts'
export * from './sizes.ts'
