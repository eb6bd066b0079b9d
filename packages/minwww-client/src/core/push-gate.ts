/** Part of the bytes pushed that has to be used; below a part of that nothing is pushed. */
const ENOUGH = 2 / 3
const LEAST = 1 / 3
/** So much is pushed before anything is said of a site, bytes. */
const TRIAL = 131_072
/** What was counted is halved above this, bytes: sites change. */
const MEMORY = 4_194_304
/** A site of which little is used gets another chance, with so much of the budget, ms. */
const RETRY = 600_000
const RETRY_PART = 0.1
/** Sites remembered; the one not seen for longest goes. */
export const MAX_GATES = 1_024

interface Counted { pushed: number, used: number, triedAt: number }

/** As it is saved: site, bytes pushed, bytes used. */
export type GateState = Array<[site: string, pushed: number, used: number]>

/** How much of what a site's exit pushes is used, and so how much it may push. */
export class PushGate {
  /** Least recently used first. */
  readonly #sites = new Map<string, Counted>()

  get size (): number { return this.#sites.size }

  pushed (site: string, bytes: number): void {
    const counted = this.#of(site)
    counted.pushed += bytes
    if (counted.pushed <= MEMORY) return
    counted.pushed /= 2
    counted.used /= 2
  }

  used (site: string, bytes: number): void {
    const counted = this.#of(site)
    counted.used = Math.min(counted.pushed, counted.used + bytes)
  }

  /** Part of the budget that a page of the site may use, 0 to 1. */
  part (now: number, site: string): number {
    const counted = this.#sites.get(site)
    if (counted === undefined || counted.pushed < TRIAL) return 1
    const part = Math.min(1, Math.max(0, (counted.used / counted.pushed - LEAST) / (ENOUGH - LEAST)))
    if (part > 0 || now - counted.triedAt < RETRY) return part
    counted.triedAt = now
    return RETRY_PART
  }

  toJSON (): GateState {
    return [...this.#sites].map(([site, { pushed, used }]) => [site, Math.round(pushed), Math.round(used)])
  }

  /** What is broken is left out. */
  restore (state: unknown): void {
    for (const entry of Array.isArray(state) ? state.slice(-MAX_GATES) as unknown[] : []) {
      const [site, pushed, used] = Array.isArray(entry) ? entry as unknown[] : []
      if (typeof site !== 'string' || site.length > 255 || !isCount(pushed) || !isCount(used) || used > pushed) continue
      this.#sites.set(site, { pushed, used, triedAt: Number.NEGATIVE_INFINITY })
    }
  }

  #of (site: string): Counted {
    const counted = this.#sites.get(site) ?? { pushed: 0, used: 0, triedAt: Number.NEGATIVE_INFINITY }
    this.#sites.delete(site)
    this.#sites.set(site, counted)
    if (this.#sites.size > MAX_GATES) this.#sites.delete(this.#sites.keys().next().value!)
    return counted
  }
}

const isCount = (value: unknown): value is number => typeof value === 'number' && value >= 0 && value <= 2 * MEMORY
