import { SmoothedRtt } from '@minwww/ground'
import { MAX_RTO, MAX_RTT, MIN_RTO } from './constants.ts'

const K = 4
/** The base RTT is the least smoothed RTT of one to two of these periods, ms. */
const BASE_PERIOD = 30_000

/**
 * Round-trip time and retransmission timeout, RFC 6298, in ms. The term for the variance is at least MIN_RTO: the peer may
 * delay an ACK by up to 120 ms, and on a quiet path the variance alone would make that a timeout.
 */
export class RttEstimator {
  #smoothed: SmoothedRtt
  #rto: number
  #base = Infinity
  #previousBase = Infinity
  #periodStart = 0
  #latest: number | undefined
  #provisional = false
  readonly #initial: number

  /** `shared`: estimate of an earlier connection to the same peer. */
  constructor (initialRto: number, shared?: { rtt: number, rttvar: number }) {
    this.#smoothed = new SmoothedRtt(shared)
    this.#initial = clampRto(initialRto)
    this.#rto = this.#initial
    if (shared !== undefined) this.#updateRto()
  }

  /** Undefined until the first sample. */
  get srtt (): number | undefined { return this.#smoothed.srtt }
  get rttvar (): number { return this.#smoothed.rttvar }
  get rto (): number { return this.#rto }
  get latest (): number | undefined { return this.#latest }
  /** Least smoothed RTT of late: what the path takes when no queue stands. Smoothed, so that jitter does not count as speed. */
  get base (): number | undefined {
    const base = Math.min(this.#base, this.#previousBase)
    return base === Infinity ? this.srtt : base
  }

  /** Of a packet that was sent more than once, measured from the first: an upper bound, until the first real sample. */
  provisional (ms: number): void {
    if (this.srtt !== undefined) return
    this.#smoothed.restart(Math.min(ms, MAX_RTT))
    this.#provisional = true
    this.#updateRto()
  }

  /**
   * From others, unless this connection has measured it already. The first sample of its own replaces it: packets may be faster or slower
   * than what was measured. Until then the timeout has a round trip to spare, but is no longer than without: a SYN has only so much time.
   * @param wait - ms that a packet may wait behind others of its window, at most
   */
  inform (rtt: number, rttvar: number, wait: number): void {
    if (this.#latest !== undefined || !(rtt > 0) || !(rttvar >= 0)) return
    this.#smoothed = new SmoothedRtt({ rtt: Math.min(rtt, MAX_RTT), rttvar: Math.min(rttvar, MAX_RTT) })
    this.#provisional = false
    this.#updateRto()
    this.#rto = clampRto(Math.min(this.#rto + this.srtt! + wait, this.#initial))
  }

  sample (now: number, ms: number): void {
    const rtt = Math.min(Math.max(ms, 0), MAX_RTT)
    const { srtt } = this
    if (this.#latest === undefined && srtt !== undefined && !this.#provisional) {
      this.#smoothed = new SmoothedRtt({ rtt, rttvar: Math.max(this.rttvar, Math.abs(srtt - rtt) / 4) })
    } else if (this.#provisional) this.#smoothed.restart(rtt)
    else this.#smoothed.sample(rtt)
    this.#provisional = false
    this.#latest = rtt
    this.#updateRto()
    this.#updateBase(now)
  }

  #updateRto (): void {
    this.#rto = clampRto(this.srtt! + Math.max(K * this.rttvar, MIN_RTO))
  }

  #updateBase (now: number): void {
    if (now - this.#periodStart > BASE_PERIOD) {
      this.#previousBase = this.#base
      this.#base = Infinity
      this.#periodStart = now
    }
    this.#base = Math.min(this.#base, this.srtt!)
  }
}

function clampRto (ms: number): number {
  return Math.min(Math.max(ms, MIN_RTO), MAX_RTO)
}
