import { PRIOR_LOSS } from '../estimators.ts'

/** Tunnel messages after which what was seen counts half. */
const HALF_LIFE = 800
/** The same of what is only assumed. */
const ASSUMED_HALF_LIFE = 50
/** What is known of a new path weighs as much as so many tunnel messages. */
const KNOWN_WEIGHT = 50

/** Loss per tunnel message of one direction of a path, as the sender counts it. */
export class PacketLoss {
  #sent = KNOWN_WEIGHT
  #lost = 0
  #assumed = 0

  /** `known`: what others know of the path, 0..1; without it the usual is assumed for a while. */
  constructor (known?: number) {
    if (known === undefined) this.#assumed = PRIOR_LOSS
    else this.#lost = KNOWN_WEIGHT * known
  }

  /** What to plan with, 0..1. */
  get value (): number { return Math.max(this.seen, this.#assumed) }

  /** What was seen, 0..1. */
  get seen (): number { return Math.max(0, this.#lost) / this.#sent }

  sent (tunnelMessages: number): void {
    const keep = 2 ** (-tunnelMessages / HALF_LIFE)
    this.#sent = this.#sent * keep + tunnelMessages
    this.#lost *= keep
    this.#assumed *= 2 ** (-tunnelMessages / ASSUMED_HALF_LIFE)
  }

  /** Packets; fewer than none where some were only thought to be lost. */
  lost (packets: number): void {
    this.#lost = Math.min(Math.max(this.#lost + packets, -KNOWN_WEIGHT), this.#sent)
  }
}
