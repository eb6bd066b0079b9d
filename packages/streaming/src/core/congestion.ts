import { MAX_SLOW_START_WINDOW, MIN_WINDOW } from './constants.ts'

/** Below this ratio of RTT to base RTT no queue stands, so loss is the path's, not ours. */
const UNLOADED = 1.15
/** Above this share of packets lost it is ours, whatever the RTT says: a short queue overflows without a delay. */
export const MAX_RANDOM_LOSS = 0.15
/** Slow start goes on below this share. */
const SLOW_START_LOSS = 0.05
/** In avoidance on an unloaded path the window grows by up to this share of itself per round trip. */
const PROBE_SHARE = 1 / 8

export interface CongestionOptions {
  initialWindow: number
  maxWindow: number
  /** Divides the growth of slow start. */
  slowStartFactor: number
  /** Divides the growth of congestion avoidance. */
  avoidanceFactor: number
}

/** What the controller is told of the path; ms and packets per ms. */
export interface PathState {
  srtt: number | undefined
  base: number | undefined
  rate: number
  /** Share of packets lost, 0..1. */
  loss: number
}

/**
 * Window in packets: slow start, congestion avoidance, and Westwood's answer to loss: the window falls to what the path
 * carried (delivery rate x base RTT), not to half. While the RTT stays at its base, loss is random: what was carried is
 * corrected for it, and slow start goes on. A full queue shows as an RTT above the base, and the window falls to what
 * empties it.
 */
export class CongestionController {
  #window: number
  #ssthresh = MAX_SLOW_START_WINDOW
  readonly #options: CongestionOptions
  #maxWindow: number
  #wasLowered = false

  constructor (options: CongestionOptions, sharedWindow?: number) {
    this.#options = options
    this.#maxWindow = options.maxWindow
    const start = sharedWindow ?? options.initialWindow
    this.#window = Math.min(Math.max(start, MIN_WINDOW), options.maxWindow)
    this.#ssthresh = Math.max(this.#ssthresh, this.#window)
  }

  /** The path is known to hold so many packets of this stream, and the peer to take `maxWindow`. What a loss has shown counts more. */
  inform (window: number, maxWindow: number): void {
    this.#maxWindow = Math.max(this.#maxWindow, maxWindow)
    if (window <= this.#window || this.#wasLowered) return
    this.#set(window)
    this.#ssthresh = Math.max(this.#ssthresh, this.#window)
  }

  /** Whole packets. */
  get window (): number { return Math.floor(this.#window) }
  get slowStart (): boolean { return this.#window < this.#ssthresh }

  /** `limited`: the window, not the application, held the sender back. */
  acknowledged (count: number, limited: boolean, path: PathState): void {
    if (!limited) return
    if (this.slowStart) {
      this.#set(Math.min(this.#window + count / this.#options.slowStartFactor, this.#ssthresh))
      return
    }
    const perRound = unloaded(path) ? Math.max(1, this.#window * PROBE_SHARE * (1 - path.loss / MAX_RANDOM_LOSS)) : 1
    this.#set(this.#window + count * perRound / (this.#window * this.#options.avoidanceFactor))
  }

  /** Once per round trip in which packets were lost, and were found lost by ACKs. */
  lost (path: PathState): void {
    if (this.slowStart && path.loss < SLOW_START_LOSS && unloaded(path)) return
    this.#wasLowered = true
    this.#ssthresh = this.#carried(path)
    this.#set(Math.min(this.#window, this.#ssthresh))
  }

  /** The retransmission timer fired twice: nothing comes through. */
  timedOut (path: PathState): void {
    this.#wasLowered = true
    this.#ssthresh = Math.min(this.#carried(path), MAX_SLOW_START_WINDOW)
    this.#set(MIN_WINDOW)
  }

  /** The peer choked us and now does not: its buffer is smaller than our window. */
  unchoked (): void {
    this.#wasLowered = true
    this.#ssthresh = Math.max(this.#window / 2, 2)
    this.#set(this.#ssthresh)
  }

  #carried (path: PathState): number {
    const { rate, base, loss } = path
    if (base === undefined || rate === 0) return Math.max(this.#window / 2, 2)
    return Math.max(rate * base * (unloaded(path) ? UNLOADED / (1 - loss) : 1), 2)
  }

  #set (window: number): void {
    this.#window = Math.min(Math.max(window, MIN_WINDOW), this.#maxWindow)
  }
}

function unloaded ({ srtt, base, loss }: PathState): boolean {
  return srtt !== undefined && base !== undefined && srtt <= base * UNLOADED && loss < MAX_RANDOM_LOSS
}

/** Packets may be lost to a queue: the RTT is above what the path takes without one, or too many are. */
export function isLoaded ({ srtt, base, loss }: PathState): boolean {
  return loss >= MAX_RANDOM_LOSS || (srtt !== undefined && base !== undefined && srtt > base * UNLOADED)
}
