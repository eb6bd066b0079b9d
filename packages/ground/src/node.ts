export { DriveLoop } from './drive-loop.ts'
export type { Driven } from './drive-loop.ts'
export { FileSaver, writeAtomically } from './files.ts'
export { systemClock } from './system-clock.ts'
