import { I2cpError } from '../../errors.ts'
import type { Bandwidth } from '../../messages/bandwidth-limits.ts'
import { kindOf, NO_QUIRKS, quirksOf } from '../quirks.ts'
import type { Quirks, RouterKind } from '../quirks.ts'

/** Dates a router can tell, ms: LeaseSets count unsigned 32-bit seconds, and expire up to 18 h later. */
const MIN_DATE = 1_420_070_400_000 // 2015
const MAX_DATE = (2 ** 32 - 2 ** 17) * 1000

/** What a session knows of its router. */
export class Router {
  #kind: RouterKind = 'unknown'
  #version = ''
  #quirks: Quirks = NO_QUIRKS
  #clockOffset = 0

  get kind (): RouterKind { return this.#kind }
  get version (): string { return this.#version }
  get quirks (): Quirks { return this.#quirks }
  get clockOffset (): number { return this.#clockOffset }

  /** SetDate came. Throws I2CP_PROTOCOL. @returns whether it says which router it is */
  told (now: number, { date, version }: { date: number, version: string }): boolean {
    if (date < MIN_DATE || date > MAX_DATE) throw new I2cpError('I2CP_PROTOCOL', 'the router tells an impossible date')
    this.#clockOffset = date - now
    this.#version = version
    return kindOf(version, undefined) !== 'unknown'
  }

  /** @param limits - absent where there was no answer */
  judge (limits: Bandwidth | undefined): void {
    this.#kind = kindOf(this.#version, limits)
    this.#quirks = quirksOf(this.#kind, this.#version)
  }
}
