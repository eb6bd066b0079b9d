export { EPOCH, settle, VirtualClock } from './clock.ts'
export { seeded, SeededRandom, seedOf } from './random.ts'
export { socketPair, stall, StallingClock } from './stall.ts'
