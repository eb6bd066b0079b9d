export { EPOCH, settle, stall, VirtualClock } from './clock.ts'
export { seeded, SeededRandom, seedOf } from './random.ts'
