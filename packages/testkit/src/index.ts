export { EPOCH, settle, VirtualClock } from '@minwww/ground/virtual'
export { seeded, SeededRandom, seedOf } from './random.ts'
export { socketPair, stall, StallingClock } from './stall.ts'
