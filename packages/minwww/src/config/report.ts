import { CliError, explain, SettingsError } from '../errors.ts'
import { nameOf, originOf, type Origin } from './origin.ts'
import type { Resolved } from './load.ts'

/**
 * When settings are checked. At the start directories are made, and a port must be free; later, and for a file that is
 * only looked at, neither: the service that runs has them.
 */
export type Moment = 'start' | 'later'

type Keys<T> = Extract<keyof T, string>
/** What a setting holds, or one entry of it. */
type Entry<V> = NonNullable<V> extends ReadonlyArray<infer E> ? E : NonNullable<V>

/** Collects everything that is wrong with the settings of a section, each with the place where it was given. */
export class Report<T> {
  readonly settings: T
  readonly #resolved: Resolved<T>
  readonly #problems: string[]
  #isUsage: boolean

  /** `before`: problems that are known already. */
  constructor (resolved: Resolved<T>, before: readonly string[] = []) {
    this.settings = resolved.settings
    this.#resolved = resolved
    this.#problems = [...before, ...resolved.problems]
    this.#isUsage = this.#problems.length > 0
  }

  /** Runs `check` for the value of a setting if it has one, or for each entry of a list; what it throws is a problem. */
  async each<K extends Keys<T>> (key: K, check: (value: Entry<T[K]>, name: string, origin: Origin) => unknown): Promise<void> {
    const value: unknown = this.settings[key]
    if (value === undefined) return
    const entries = (Array.isArray(value) ? value : [value]) as Array<Entry<T[K]>>
    for (const [index, entry] of entries.entries()) {
      const origin = this.#originOf(key, index)
      try {
        await check(entry, nameOf(origin), origin)
      } catch (error) {
        this.#add(error, nameOf(origin))
      }
    }
  }

  /** A problem with what a setting says, beside others perhaps. */
  wrong (key: Keys<T>, message: string, index?: number): void {
    this.#isUsage = true
    this.#problems.push(`${nameOf(this.#originOf(key, index))}: ${message}`)
  }

  /** A problem of which no setting tells the place. */
  missing (message: string): void {
    this.#isUsage = true
    this.#problems.push(message)
  }

  /** @throws SettingsError with every problem; its status is 1 if the settings are in order and only the machine is not */
  throwIfWrong (): void {
    const problems = [...new Set(this.#problems)]
    if (problems.length > 0) throw new SettingsError(problems, this.#isUsage ? 2 : 1)
  }

  get problems (): readonly string[] { return this.#problems }

  #originOf (key: Keys<T>, index?: number): Origin {
    const given = this.#resolved.given.get(key)
    return given === undefined ? { kind: 'flag', flag: flagOf(key) } : originOf(given, index)
  }

  #add (error: unknown, name: string): void {
    if (error instanceof SettingsError) {
      this.#isUsage ||= error.status === 2
      this.#problems.push(...error.problems)
      return
    }
    const { message, status } = error instanceof CliError ? error : explain(error)
    this.#isUsage ||= status === 2 || !(error instanceof CliError)
    this.#problems.push(error instanceof CliError ? message : `${name}: ${message}`)
  }
}

const flagOf = (key: string): string => `--${key.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`

/**
 * The error of a system call on a file or an address that a setting names: a flag is named as what to correct, a file and
 * a variable before it.
 */
export function systemProblem (error: unknown, subject: string, origin: Origin): CliError {
  if (error instanceof CliError) return error
  if (origin.kind === 'flag') return explain(error, subject, origin.flag)
  const { code, message, status } = explain(error, subject)
  return new CliError(code, `${nameOf(origin)}: ${message}`, status, { cause: error })
}
