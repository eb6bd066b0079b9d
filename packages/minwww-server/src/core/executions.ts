import type { Once } from '@minwww/protocol'
import type { ServerConfig } from './config.ts'
import { Execution } from './execution.ts'
import type { Session } from './session.ts'

/** What a token is to this exit. */
export type Admitted =
  | { readonly kind: 'new', readonly execution: Execution }
  | { readonly kind: 'known', readonly execution: Execution }
  /** It is not carried out, and never will be. */
  | { readonly kind: 'full' }
  /** It is not carried out; whether it was before cannot be said. `age`: ms since the start, if it names an exit before that. */
  | { readonly kind: 'unknown', readonly age: number }

interface Entry { readonly execution: Execution, readonly from: string, readonly time: number, readonly until: number }

/**
 * Every token that this exit may have carried out, so that it never carries out one twice. An entry lives long enough for all
 * repetitions and is not dropped for another one. What is not in the table was not carried out if its time is above that of
 * all that were dropped: so it needs no clock but its own. No Destination has more than are free, so that few cannot fill it.
 */
export class Executions {
  readonly #config: ServerConfig
  readonly #incarnation: Buffer
  readonly #startedAt: number
  readonly #clockOffset: () => number
  /** By token, oldest first. */
  readonly #entries = new Map<string, Entry>()
  /** Live entries of each Destination (hash) that has some. */
  readonly #counts = new Map<string, number>()
  /** Of Destinations that had too many: the highest time of what was refused, and until when that counts. Oldest first. */
  readonly #refused = new Map<string, { readonly time: number, readonly until: number }>()
  /** Highest times, s: of what has lived its life, and of what was refused because the table was full. */
  #forgotten = Number.NEGATIVE_INFINITY
  #shut = Number.NEGATIVE_INFINITY

  /** @param clockOffset - ms that the router's clock is ahead */
  constructor (now: number, incarnation: Buffer, config: ServerConfig, clockOffset: () => number) {
    this.#config = config
    this.#incarnation = incarnation
    this.#startedAt = now
    this.#clockOffset = clockOffset
  }

  get size (): number {
    return this.#entries.size
  }

  /** What is known of a token. */
  find (once: Once): Execution | undefined {
    return once.incarnation.equals(this.#incarnation) ? this.#entries.get(once.token.toString('hex'))?.execution : undefined
  }

  admit (now: number, { destination }: Session, once: Once): Admitted {
    if (!once.incarnation.equals(this.#incarnation)) return { kind: 'unknown', age: Math.max(1, Math.floor(now - this.#startedAt)) }
    const token = once.token.toString('hex')
    const known = this.#entries.get(token)
    if (known !== undefined) return { kind: 'known', execution: known.execution }
    const { clockTolerance, tokenLife, maxTokens, maxTokensPerClient } = this.#config
    const { time } = once
    if (time <= this.#forgotten || time * 1000 > now + this.#clockOffset() + clockTolerance) return { kind: 'unknown', age: 0 }
    const from = destination.hash.toString('latin1')
    const own = this.#counts.get(from) ?? 0
    const until = now + tokenLife
    if (this.#entries.size >= maxTokens) this.#shut = Math.max(this.#shut, time)
    else if (own >= Math.min(maxTokensPerClient, maxTokens - this.#entries.size)) this.#refuse(from, time, until)
    if (time <= this.#shut || time <= (this.#refused.get(from)?.time ?? Number.NEGATIVE_INFINITY)) return { kind: 'full' }
    const execution = new Execution(token)
    this.#entries.set(token, { execution, from, time, until })
    this.#counts.set(from, own + 1)
    return { kind: 'new', execution }
  }

  nextTimeout (): number | undefined {
    const next = Math.min(first(this.#entries)?.until ?? Infinity, first(this.#refused)?.until ?? Infinity)
    return next === Infinity ? undefined : next
  }

  handleTimeout (now: number): void {
    for (const [token, { from, time, until }] of this.#entries) {
      if (until > now) break
      this.#entries.delete(token)
      this.#forgotten = Math.max(this.#forgotten, time)
      const left = this.#counts.get(from)! - 1
      if (left === 0) this.#counts.delete(from)
      else this.#counts.set(from, left)
    }
    for (const [from, { time, until }] of this.#refused) {
      if (until > now) break
      this.#refused.delete(from)
      this.#forgotten = Math.max(this.#forgotten, time)
    }
  }

  #refuse (from: string, time: number, until: number): void {
    const before = this.#refused.get(from)?.time ?? Number.NEGATIVE_INFINITY
    this.#refused.delete(from)
    this.#refused.set(from, { time: Math.max(before, time), until })
  }
}

function first<T> (table: Map<string, T>): T | undefined {
  return table.values().next().value
}
