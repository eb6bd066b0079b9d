import { RouterError } from '../errors.ts'

/** Which router the model behaves like: `plain` has none of the peculiarities of the real ones. */
export type NetworkProfile = 'plain' | 'i2pd' | 'i2pd-2.59' | 'java' | 'mixed'

export interface NetworkOptions {
  /** Equal seeds and equal traffic give equal results. */
  seed: number
  /** One-way latency of a path, ms. */
  latency: number
  /** Deviation of the latency, +- ms: four fifths drift with the path, one fifth differs per tunnel message. */
  jitter: number
  /** Whether tunnel messages of one path may overtake each other. */
  reorder: boolean
  /** Probability that a tunnel message is lost on its path, 0 to 1. */
  loss: number
  /** Mean number of tunnel messages lost in a row; 1 = independent losses. */
  burst: number
  /** Bytes/s of one Destination's tunnels together, for each direction; 0 = unlimited. */
  bandwidth: number
  /** Longest wait at a bottleneck, ms; a tunnel message that would wait longer is dropped (drop-tail). */
  queue: number
  /** Parallel tunnels of a Destination in each direction, 1 to 16. */
  tunnels: number
  /** Life of a tunnel, ms. */
  tunnelLifetime: number
  /** Probability that a message arrives twice, 0 to 1. */
  duplicate: number
  /** Probability that a newly chosen path carries nothing until it is chosen anew, 0 to 1. */
  deadPaths: number
  /** Messages in flight above which further ones are lost. */
  maxInFlight: number
  /** Bytes in flight above which further messages are lost; one Destination may have an eighth of it under way. */
  maxBytesInFlight: number
  /** Destinations, and paths of one Destination, of which the least recently added are forgotten above this. */
  maxDestinations: number
  /** Profile java: whether the sender's gateway waits to fill tunnel messages; false is outbound.batchFrequency=0. */
  javaBatching: boolean
  /** Profile i2pd-2.59: tags that Destinations have known ahead (`crypto.ratchet.inboundTags`); 0 = as i2pd does it. */
  inboundTags: number
  profile: NetworkProfile
}

export const NETWORK_DEFAULTS: Readonly<NetworkOptions> = Object.freeze({
  seed: 1,
  latency: 0,
  jitter: 0,
  reorder: false,
  loss: 0,
  burst: 1,
  bandwidth: 0,
  queue: 1_000,
  tunnels: 2,
  tunnelLifetime: 600_000,
  duplicate: 0,
  deadPaths: 0,
  maxInFlight: 1_000_000,
  maxBytesInFlight: 2 ** 29,
  maxDestinations: 65_536,
  javaBatching: true,
  inboundTags: 0,
  profile: 'plain'
})

/** Defaults that a profile has different. */
const PROFILE_DEFAULTS: Readonly<Record<NetworkProfile, Partial<NetworkOptions>>> = {
  plain: {},
  i2pd: { deadPaths: 0.02 },
  'i2pd-2.59': { deadPaths: 0.02 },
  java: {},
  mixed: { deadPaths: 0.01 }
}

/** What one Destination may have different from the rest. */
export interface DestinationOptions {
  /** Added to the one-way latency of every path from and to it, ms. */
  extraLatency?: number
  /** Bytes/s of its outbound tunnels; 0 = unlimited. */
  bandwidthOut?: number
  /** Bytes/s of its inbound tunnels; 0 = unlimited. */
  bandwidthIn?: number
  /** As the network's option. */
  inboundTags?: number
}

/** Lowest and highest value of each numeric option. */
const RANGES: Partial<Record<keyof NetworkOptions, [number, number]>> = {
  seed: [-(2 ** 53), 2 ** 53],
  latency: [0, 600_000],
  jitter: [0, 600_000],
  loss: [0, 1],
  burst: [1, 1_000_000],
  bandwidth: [0, 1e12],
  queue: [0, 3_600_000],
  tunnels: [1, 16],
  tunnelLifetime: [1, 86_400_000],
  duplicate: [0, 1],
  deadPaths: [0, 1],
  inboundTags: [0, 65_535],
  maxInFlight: [1, 100_000_000],
  maxBytesInFlight: [1, 2 ** 40],
  maxDestinations: [1, 10_000_000]
}

/**
 * Fills in the defaults and checks the ranges.
 * @throws RouterError ROUTER_INVALID_OPTION
 */
export function networkOptions (given: Partial<NetworkOptions>): NetworkOptions {
  const profile = given.profile ?? NETWORK_DEFAULTS.profile
  if (!Object.hasOwn(PROFILE_DEFAULTS, profile)) {
    const known = Object.keys(PROFILE_DEFAULTS).join(', ')
    throw new RouterError('ROUTER_INVALID_OPTION', `network option profile must be one of ${known}`)
  }
  const options = { ...NETWORK_DEFAULTS, ...PROFILE_DEFAULTS[profile] }
  for (const key of Object.keys(NETWORK_DEFAULTS) as Array<keyof NetworkOptions>) {
    if (given[key] !== undefined) Object.assign(options, { [key]: given[key] })
  }
  for (const [key, [low, high]] of Object.entries(RANGES) as Array<[keyof NetworkOptions, [number, number]]>) {
    const value = options[key] as number
    if (typeof value !== 'number' || !(value >= low && value <= high)) {
      throw new RouterError('ROUTER_INVALID_OPTION', `network option ${key} must be ${low} to ${high}`)
    }
  }
  return options
}
