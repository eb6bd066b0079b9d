/** Smoothed round-trip time and its variation, ms: RFC 6298, section 2. What time-out follows from them is its owner's matter. */
export class SmoothedRtt {
  #srtt: number | undefined
  #rttvar = 0

  /** `known`: an earlier estimate of the same path. */
  constructor (known?: { readonly rtt: number, readonly rttvar: number }) {
    if (known === undefined) return
    this.#srtt = known.rtt
    this.#rttvar = known.rttvar
  }

  /** Undefined before the first sample. */
  get srtt (): number | undefined { return this.#srtt }
  /** 0 before the first sample. */
  get rttvar (): number { return this.#rttvar }

  /** `ms`: at least 0, and of a packet whose answer is unambiguous (section 3). */
  sample (ms: number): void {
    if (this.#srtt === undefined) {
      this.restart(ms)
      return
    }
    this.#rttvar += (Math.abs(this.#srtt - ms) - this.#rttvar) / 4
    this.#srtt += (ms - this.#srtt) / 8
  }

  /** Takes a sample as the first one, whatever came before. */
  restart (ms: number): void {
    this.#srtt = ms
    this.#rttvar = ms / 2
  }
}
