export { EPOCH, settle, VirtualClock } from './virtual-clock.ts'
