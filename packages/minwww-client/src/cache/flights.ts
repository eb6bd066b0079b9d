import type { Answer, SiteRequest } from '../http/answer.ts'

/** ms that a request waits for an equal one: its answer may be none that others can use, and its site slow. */
const PATIENCE = 500

/** Requests in flight by what they ask; equal ones wait for the first. One per request in flight, so bounded by those. */
export class Flights {
  readonly #open = new Map<string, Promise<'landed' | 'left' | 'failed'>>()
  readonly #patience: number

  constructor (patience = PATIENCE) {
    this.#patience = patience
  }

  /**
   * The first of equal requests runs `lead` and gets its answer. The others get 'landed' when it has called `landed` (look
   * into the cache) and run `lead` themselves if its browser left, or if that takes long.
   * @throws what `lead` throws, in every request that waited for it
   */
  async run (request: SiteRequest, lead: (landed: () => void) => Promise<Answer>): Promise<Answer | 'landed'> {
    const asked = request.fields.filter(([name]) => name !== 'Referer')
    const key = `${request.method} ${request.target.url}\n${JSON.stringify(asked)}`
    for (;;) {
      const other = this.#open.get(key)
      if (other === undefined) return await this.#lead(key, request.signal, lead)
      const outcome = await unlessAborted(this.#patiently(other), request.signal)
      if (outcome === 'landed') return 'landed'
      if (outcome === 'late') return await lead(() => {})
    }
  }

  async #patiently<T> (work: Promise<T>): Promise<T | 'late'> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<'late'>(resolve => { timer = setTimeout(resolve, this.#patience, 'late') })
    try {
      return await Promise.race([work, late])
    } finally {
      clearTimeout(timer)
    }
  }

  async #lead (key: string, signal: AbortSignal, lead: (landed: () => void) => Promise<Answer>): Promise<Answer> {
    let settle: (outcome: 'landed' | 'left') => void = () => {}
    let refuse: (error: unknown) => void = () => {}
    const flight = new Promise<'landed' | 'left'>((resolve, reject) => {
      settle = resolve
      refuse = reject
    })
    flight.catch(() => {})
    this.#open.set(key, flight)
    const done = (): void => { if (this.#open.get(key) === flight) this.#open.delete(key) }
    try {
      const answer = await lead(() => {
        done()
        settle('landed')
      })
      done()
      settle('landed')
      return answer
    } catch (error) {
      done()
      if (signal.aborted) settle('left')
      else refuse(error)
      throw error
    }
  }
}

async function unlessAborted<T> (promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  let abort: () => void = () => {}
  const aborted = new Promise<never>((_resolve, reject) => {
    abort = () => { reject(signal.reason instanceof Error ? signal.reason : new Error('aborted')) }
    signal.addEventListener('abort', abort, { once: true })
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
