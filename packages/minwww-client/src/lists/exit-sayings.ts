import type { Destination } from '@minwww/i2cp'
import type { ExitDescriptor } from '@minwww/protocol'
import type { Verified } from './core/verify.ts'

/** What an exit said is shown so long before it is asked again, ms; one that said nothing is asked sooner. */
const FRESH = 3_600_000
const RETRY = 300_000
/** Exits that are asked at a time. */
const AT_ONCE = 4
const TIMEOUT = 30_000

interface Saying { said?: ExitDescriptor, problem?: string, askAt: number, isAsked: boolean }

/** What the exits of a pool say of themselves, for people: asked only while somebody looks. */
export class ExitSayings {
  readonly #ask: (destination: Destination, timeout: number) => Promise<Verified<ExitDescriptor>>
  readonly #known = new Map<string, Saying>()

  constructor (ask: (destination: Destination, timeout: number) => Promise<Verified<ExitDescriptor>>) {
    this.#ask = ask
  }

  /** Somebody looks at these exits, by b32: those that are due are asked, the others forgotten. */
  look (now: number, exits: ReadonlyMap<string, Destination>): void {
    for (const b32 of this.#known.keys()) if (!exits.has(b32)) this.#known.delete(b32)
    for (const [b32, destination] of exits) {
      if ([...this.#known.values()].filter(({ isAsked }) => isAsked).length >= AT_ONCE) return
      const known = this.#known.get(b32)
      if (known === undefined || (!known.isAsked && now >= known.askAt)) this.#read(now, b32, destination).catch(() => {})
    }
  }

  of (b32: string): Pick<Saying, 'said' | 'problem'> | undefined { return this.#known.get(b32) }

  async #read (now: number, b32: string, destination: Destination): Promise<void> {
    const saying: Saying = { ...this.#known.get(b32), askAt: now + FRESH, isAsked: true }
    this.#known.set(b32, saying)
    try {
      saying.said = (await this.#ask(destination, TIMEOUT)).statement
      delete saying.problem
    } catch (error) {
      saying.problem = error instanceof Error ? error.message.slice(0, 200) : String(error)
      saying.askAt = now + RETRY
    } finally {
      saying.isAsked = false
    }
  }
}
