/**
 * The kinds of settings, as JSON Schema with the type of their values. There are six, each with a range at most: a library for all of
 * JSON Schema takes longer to load than everything else that a command needs (docs/adr/0040).
 */
declare const VALUE: unique symbol

interface Common { readonly description?: string, readonly metavar?: string }
interface Range { readonly minimum?: number, readonly maximum?: number }
interface Length { readonly minLength?: number, readonly maxLength?: number }

export interface Kind<T = unknown> extends Common, Range, Length {
  readonly type?: 'string' | 'number' | 'integer' | 'boolean' | 'array'
  readonly default?: unknown
  readonly const?: string
  readonly anyOf?: ReadonlyArray<Kind<string>>
  readonly items?: Kind
  readonly maxItems?: number
  readonly isOptional?: true
  readonly [VALUE]?: T
}

type Optional<T> = Kind<T> & { readonly isOptional: true }
type Options<T> = Common & { readonly default?: T }

export interface ObjectKind<P extends Record<string, Kind> = Record<string, Kind>> { readonly properties: P }

type ValueOf<K> = K extends { readonly [VALUE]?: infer T } ? Exclude<T, undefined> : never
type OptionalKeys<P> = { [K in keyof P]: P[K] extends { readonly isOptional: true } ? K : never }[keyof P]
/** The values of an object's settings. */
export type Static<O> = O extends ObjectKind<infer P>
  ? { [K in Exclude<keyof P, OptionalKeys<P>>]: ValueOf<P[K]> } & { [K in OptionalKeys<P>]?: ValueOf<P[K]> }
  : never

const Type = {
  String: (options: Options<string> & Length = {}): Kind<string> => ({ type: 'string', ...options }),
  Number: (options: Options<number> & Range = {}): Kind<number> => ({ type: 'number', ...options }),
  Integer: (options: Options<number> & Range = {}): Kind<number> => ({ type: 'integer', ...options }),
  Boolean: (options: Options<boolean> = {}): Kind<boolean> => ({ type: 'boolean', ...options }),
  Literal: <T extends string>(value: T): Kind<T> => ({ type: 'string', const: value }),
  Union: <K extends ReadonlyArray<Kind<string>>>(anyOf: K, options: Options<ValueOf<K[number]>> = {}): Kind<ValueOf<K[number]>> =>
    ({ anyOf, ...options }),
  Array: <T>(items: Kind<T>, options: Options<T[]> & { readonly maxItems?: number } = {}): Kind<T[]> =>
    ({ type: 'array', items, ...options }),
  Optional: <T>(kind: Kind<T>): Optional<T> => ({ ...kind, isOptional: true }),
  Object: <P extends Record<string, Kind>>(properties: P): ObjectKind<P> => ({ properties })
}
export default Type

/** What is wrong with a value: with all of it, or with one entry of a list. */
export interface Wrong { readonly index?: number, readonly message: string }

/** Everything that is wrong with a value; an entry of a list counts once. */
export function wrongWith (kind: Kind, value: unknown): Wrong[] {
  if (kind.type !== 'array' || !Array.isArray(value)) return fits(kind, value) ? [] : [{ message: lengthOf(kind) }]
  const { items = {}, maxItems = Infinity } = kind
  if (value.length > maxItems) return [{ message: `must have at most ${maxItems} entries` }]
  return value.flatMap((entry: unknown, index) => fits(items, entry) ? [] : [{ index, message: lengthOf(items) }])
}

function fits (kind: Kind, value: unknown): boolean {
  const { type, anyOf, minimum = -Infinity, maximum = Infinity, minLength = 0, maxLength = Infinity } = kind
  if (anyOf !== undefined) return anyOf.some(choice => choice.const === value)
  switch (type) {
    case 'string': return typeof value === 'string' && value.length >= minLength && value.length <= maxLength
    case 'number': return typeof value === 'number' && value >= minimum && value <= maximum
    case 'integer': return Number.isInteger(value) && (value as number) >= minimum && (value as number) <= maximum
    case 'boolean': return typeof value === 'boolean'
    default: return false
  }
}

const lengthOf = ({ minLength = 0, maxLength }: Kind): string => maxLength === undefined
  ? `must have at least ${minLength} characters`
  : `must have ${minLength} to ${maxLength} characters`

/** The values, and the defaults of those that are not there. */
export function withDefaults ({ properties }: ObjectKind, values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const all: Record<string, unknown> = { ...values }
  for (const [key, { default: value }] of Object.entries(properties)) {
    if (all[key] === undefined && value !== undefined) all[key] = structuredClone(value)
  }
  return all
}
