import type { NetworkOptions } from '@minwww/local-router/network'
import { paddedLength } from '@minwww/protocol'
import { networkOf, World, type Departure, type WorldMessage, type WorldNode } from './world.ts'

/** Payload of a message of two tunnel messages, which needs no acknowledgement and no head: the most that it carries. */
const PAYLOAD = 1_812
const REQUEST = 500
/** Messages that leave back to back: a gateway of Java I2P drops the 25th. */
const BURST = 24
/** ms from one message to the next after that. The best one for which nothing is lost is the floor's. */
const SPACINGS = [0.1, 0.2, 0.5, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128] as const
const DEADLINE = 600_000
const PAUSE = 5_000

/** One download, ms. */
export interface Sample { first: number, last: number, failed: boolean }

/** Sends what it is given at the times it is given, and tells of what comes. */
class Perfect implements WorldNode {
  readonly addresses: readonly string[]
  readonly #heard: (bytes: number) => void
  readonly #waiting: Array<{ at: number, departure: Departure }> = []

  constructor (address: string, heard: (bytes: number) => void) {
    this.addresses = [address]
    this.#heard = heard
  }

  send (at: number, to: string, length: number): void {
    const message = { protocol: 18, fromPort: 0, toPort: 0, payload: Buffer.alloc(length), padTo: paddedLength(length) }
    this.#waiting.push({ at, departure: { ...message, from: this.addresses[0]!, to } })
  }

  receive (_now: number, _address: string, _from: string, { payload }: WorldMessage): void { this.#heard(payload.length) }
  nextTimeout (): number | undefined { return this.#waiting[0]?.at }
  handleTimeout (): void {}
  pollTransmit (now: number): Departure | undefined {
    const next = this.#waiting[0]
    return next === undefined || next.at > now ? undefined : this.#waiting.shift()!.departure
  }
}

/**
 * What nothing can beat on a path without loss: a server that has all of it, knows the path and sends it once, as fast as the routers
 * on the way take it, in messages that carry nothing else.
 */
export function floorOf (seed: number, network: Partial<NetworkOptions>, size: number, runs: number): Sample[] {
  const all = SPACINGS.map(spacing => samplesAt(spacing, seed, { ...network, loss: 0 }, size, runs))
  const ways = all.filter(samples => samples.every(({ failed }) => !failed))
  if (ways.length === 0) throw new Error('nothing comes through')
  const mean = (samples: Sample[]): number => samples.reduce((sum, { last }) => sum + last, 0) / samples.length
  return ways.reduce((best, samples) => mean(samples) < mean(best) ? samples : best)
}

function samplesAt (spacing: number, seed: number, network: Partial<NetworkOptions>, size: number, runs: number): Sample[] {
  const world = new World(networkOf(seed, network))
  let [received, firstAt] = [0, 0]
  const client = new Perfect('client', bytes => {
    if (received === 0) firstAt = world.now
    received += bytes
  })
  const server = new Perfect('server', () => {
    for (let i = 0; i * PAYLOAD < size; i++) {
      server.send(world.now + Math.max(0, i - BURST) * spacing, 'client', Math.min(PAYLOAD, size - i * PAYLOAD))
    }
  })
  world.add(client)
  world.add(server)
  return Array.from({ length: runs }, () => {
    const started = world.now
    received = 0
    client.send(started, 'server', REQUEST)
    const isDone = world.run(() => received >= size, started + DEADLINE)
    const sample = { first: firstAt - started, last: world.now - started, failed: !isDone }
    world.runUntil(world.now + PAUSE)
    return sample
  })
}
