export * from './signature-types.ts'
export * from './encryption-types.ts'
export * from './local-destination.ts'
export type { Random } from './keys.ts'
