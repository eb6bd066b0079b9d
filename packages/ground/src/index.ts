export type { Clock, Timer } from './clock.ts'
export { Deadlines } from './deadlines.ts'
export { silentLogger } from './logger.ts'
export type { Logger } from './logger.ts'
