import type { Section } from './schema.ts'

/** Where the value of a setting was given: what has to be corrected if it is wrong. A default counts as its flag. */
export type Origin =
  | { kind: 'file', file: string, line: number, section: Section, key: string }
  | { kind: 'environment', variable: string }
  | { kind: 'flag', flag: string }

/** `minwww.toml:3: [exit] console`, `MINWWW_EXIT_CONSOLE` or `--console`. */
export function nameOf (origin: Origin): string {
  switch (origin.kind) {
    case 'file': return `${origin.file}:${origin.line}: [${origin.section}] ${origin.key}`
    case 'environment': return origin.variable
    case 'flag': return origin.flag
  }
}

/** One value as it was given. */
export interface Given {
  value: unknown
  origin: Origin
  /** Lines of the entries of a list in a file, which may be on lines of their own. */
  lines?: readonly number[]
}

/** What one source gives for one section, by the key of the schema. */
export type Layer = ReadonlyMap<string, Given>

/** The origin of a value, or of one entry of a list. */
export function originOf ({ origin, lines }: Given, index?: number): Origin {
  const line = index === undefined ? undefined : lines?.[index]
  return origin.kind === 'file' && line !== undefined ? { ...origin, line } : origin
}
