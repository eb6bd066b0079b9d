import { SettingsError } from '../errors.ts'
import { nameOf, originOf, type Given, type Layer } from './origin.ts'
import { SECTIONS, settingsOf, type Section, type SettingInfo, type Settings } from './schema.ts'
import { withDefaults, wrongWith, type Kind } from './type.ts'

/** The settings of a section that the environment gives. Lists are separated by white space. */
export function environmentLayer (section: Section, environment: NodeJS.ProcessEnv): Layer {
  return new Map(settingsOf(section).flatMap((setting): Array<[string, Given]> => {
    const { key, environment: variable, kind } = setting
    const text = environment[variable]
    if (text === undefined || text === '') return []
    return [[key, { value: kind === 'list' ? text.split(/\s+/).filter(Boolean) : text, origin: { kind: 'environment', variable } }]]
  }))
}

/** The settings of a section that flags give: text, lists of text, or true. */
export function flagLayer (section: Section, options: Readonly<Record<string, unknown>>): Layer {
  return new Map(settingsOf(section).flatMap(({ key, flag }): Array<[string, Given]> => {
    const value = options[key]
    return value === undefined ? [] : [[key, { value, origin: { kind: 'flag', flag } }]]
  }))
}

/** The settings in force, where each was given, and what is wrong with the type or the range of a value. */
export interface Resolved<T> {
  settings: T
  given: Layer
  problems: string[]
}

/**
 * Merges defaults, file, environment and flags (the later wins) and checks the type and range of every value that was
 * given, of those that a later one replaces too. A wrong one is left out.
 */
export function mergeLayers<S extends Section> (section: S, layers: ReadonlyArray<Layer | undefined>): Resolved<Settings<S>> {
  const infos = settingsOf(section)
  const problems: string[] = []
  const given = new Map<string, Given>()
  const values: Record<string, unknown> = {}
  for (const layer of layers) {
    for (const [key, entry] of layer ?? []) {
      const setting = infos.find(candidate => candidate.key === key)
      if (setting === undefined) throw new TypeError(`no setting ${section} ${key}`)
      const { value, wrong } = read(section, setting, entry)
      problems.push(...wrong)
      if (wrong.length > 0) continue
      given.set(key, entry)
      values[key] = value
    }
  }
  return { settings: withDefaults(SECTIONS[section], values) as Settings<S>, given, problems }
}

/** As {@link mergeLayers}; throws SettingsError with every problem. */
export function resolveSettings<S extends Section> (section: S, layers: ReadonlyArray<Layer | undefined>): Settings<S> {
  const { settings, problems } = mergeLayers(section, layers)
  if (problems.length > 0) throw new SettingsError(problems)
  return settings
}

/** The value in the type of its setting, and what is wrong with it, with its origin. */
function read (section: Section, setting: SettingInfo, entry: Given): { value: unknown, wrong: string[] } {
  const value = entry.origin.kind === 'file' && setting.kind !== 'list' ? entry.value : convert(setting, entry.value)
  const schema = (SECTIONS[section].properties as Record<string, Kind>)[setting.key]!
  const wrong = wrongWith(schema, value).map(({ index, message }) => {
    const culprit = index === undefined ? value : (value as unknown[])[index]
    return `${nameOf(originOf(entry, index))}: ${show(culprit)} ${expectation(setting, schema, culprit, index !== undefined) ?? message}`
  })
  return { value, wrong }
}

/** Text, and lists of text, in the type of the setting where they can be read as that. */
function convert (setting: SettingInfo, value: unknown): unknown {
  if (Array.isArray(value)) return setting.isNumeric ? value.map(number) : value
  switch (setting.kind) {
    case 'number': return number(value)
    case 'boolean': return typeof value === 'string' && /^(true|false|1|0|yes|no)$/i.test(value) ? /^(true|1|yes)$/i.test(value) : value
    case 'list': case 'string': return value
  }
}

function number (value: unknown): unknown {
  return typeof value === 'string' && /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value) ? Number(value) : value
}

const MAX_SHOWN = 80

function show (value: unknown): string {
  const text = typeof value === 'bigint' ? String(value) : JSON.stringify(value) ?? String(value)
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}...` : text
}

/** What the schema wants, in the reader's words. */
function expectation (setting: SettingInfo, schema: Kind, value: unknown, isEntry: boolean): string | undefined {
  const { type, anyOf, minimum, maximum, items } = isEntry && schema.items !== undefined ? schema.items : schema
  if (anyOf !== undefined) return `must be one of ${anyOf.map(choice => choice.const).join(', ')}`
  switch (type) {
    case 'number': return `must be a number from ${minimum} to ${maximum}`
    case 'integer': return `must be a whole number from ${minimum} to ${maximum}`
    case 'boolean': return 'must be true or false'
    case 'array': return items === undefined || Array.isArray(value)
      ? undefined
      : `must be a list, for example [${items.type === 'integer' ? '80, 443' : `"${setting.metavar ?? 'VALUE'}"`}]`
    case 'string': return typeof value === 'string' ? undefined : 'must be text, in quotes'
    default: return undefined
  }
}
