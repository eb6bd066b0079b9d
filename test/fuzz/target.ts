import type { SeededRandom } from '@minwww/testkit'

/** One decoder, or a few that read the same bytes. */
export interface Target {
  readonly name: string
  /** Cases of this target for each round of the fuzzer. */
  readonly weight: number
  /** Valid inputs, which are mutated. */
  readonly samples: readonly Buffer[]
  /** Words of the format. */
  readonly tokens?: readonly Buffer[]
  /** Puts right what would hide everything behind it: checksums, tags, lengths. Not always called. */
  readonly repair?: (bytes: Buffer, random: SeededRandom) => Buffer
  /** May throw coded errors only; `random` is for choices that are no bytes (splits, ports). */
  readonly decode: (bytes: Buffer, random: SeededRandom) => void | Promise<void>
}

/** Every error that a caller may get has one of these classes and a code. */
const ERRORS = new Set(
  ['I2cpError', 'StreamingError', 'ProtocolError', 'ProxyError', 'ServerError', 'UsageError', 'SettingsError', 'CliError']
)

export function isCoded (error: unknown): boolean {
  return error instanceof Error && (ERRORS.has(error.name) || ERRORS.has(error.constructor.name)) &&
    typeof (error as { code?: unknown }).code === 'string'
}

/** Runs a decoder; a coded error is an answer, anything else is a finding. Returns what was decoded, if anything. */
export function coded<T> (decode: () => T): T | undefined {
  try {
    return decode()
  } catch (error) {
    if (!isCoded(error)) throw error
    return undefined
  }
}

/** Says that something decoded is out of its bounds. */
export function bound (condition: boolean, what: string): void {
  if (!condition) throw new Error(`out of bounds: ${what}`)
}
