/** What a sample is taken of. */
export interface Sampled {
  /** Epoch ms. */
  now: number
  /** Bytes since the start. */
  totals: { in: number, out: number }
  load: { active: number, waiting: number, sending: number }
}

/** One second of the exit. */
export interface Sample {
  /** Epoch s. */
  at: number
  /** Bytes in that second. */
  in: number
  out: number
  active: number
  /** Requests that wait to be fetched, and answers that wait to leave. */
  waiting: number
}

/** Seconds that the charts go back. */
export const LENGTH = 600

/** The last ten minutes, a sample a second. */
export class History {
  readonly #samples: Sample[] = []
  #last: { now: number, in: number, out: number } | undefined

  get samples (): readonly Sample[] {
    return this.#samples
  }

  add (state: Sampled): Sample {
    const last = this.#last ?? { now: state.now - 1_000, ...state.totals }
    const seconds = Math.max(0.001, (state.now - last.now) / 1_000)
    const sample: Sample = {
      at: Math.round(state.now / 1_000),
      in: Math.round((state.totals.in - last.in) / seconds),
      out: Math.round((state.totals.out - last.out) / seconds),
      active: state.load.active,
      waiting: state.load.waiting + state.load.sending
    }
    this.#last = { now: state.now, ...state.totals }
    this.#samples.push(sample)
    if (this.#samples.length > LENGTH) this.#samples.shift()
    return sample
  }
}
