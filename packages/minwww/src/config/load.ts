import { readFileSync } from 'node:fs'
import { parse } from 'smol-toml'
import { Value } from 'typebox/value'
import { UsageError, explain } from '../errors.ts'
import { SECTIONS, settingsOf, type Section, type SettingInfo, type Settings } from './schema.ts'

/** Largest configuration file that is read, bytes. */
const MAX_CONFIG_BYTES = 1_048_576

export type RawSection = Record<string, unknown>
export type RawConfig = Partial<Record<Section, RawSection>>

/**
 * Reads a TOML configuration file. Throws UsageError with the line for bad syntax, and for a section or a key that does
 * not exist: a misspelt limit must not be a limit that is silently absent.
 */
export function readConfigFile (path: string): RawConfig {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw explain(error, path)
  }
  if (text.length > MAX_CONFIG_BYTES) throw new UsageError(`${path}: larger than ${MAX_CONFIG_BYTES} bytes`)
  let table: Record<string, unknown>
  try {
    table = parse(text)
  } catch (error) {
    throw new UsageError(`${path}: ${(error as Error).message.split('\n', 1)[0] ?? 'bad TOML'}`, { cause: error })
  }
  return checkNames(table, path)
}

function checkNames (table: Record<string, unknown>, path: string): RawConfig {
  const config: RawConfig = {}
  for (const [name, section] of Object.entries(table)) {
    if (!(name in SECTIONS) || typeof section !== 'object' || section === null || Array.isArray(section)) {
      throw new UsageError(`${path}: [${name}] is not a section; there are ${Object.keys(SECTIONS).map(s => `[${s}]`).join(', ')}`)
    }
    const known = new Map(settingsOf(name as Section).map(setting => [setting.fileKey, setting.key]))
    const values: RawSection = {}
    for (const [fileKey, value] of Object.entries(section)) {
      const key = known.get(fileKey)
      if (key === undefined) throw new UsageError(`${path}: [${name}] has no setting '${fileKey}'`)
      values[key] = value
    }
    config[name as Section] = values
  }
  return config
}

/** Reads the settings of a section that the environment gives. Lists are separated by white space. */
export function readEnvironment (section: Section, environment: NodeJS.ProcessEnv): RawSection {
  const values: RawSection = {}
  for (const setting of settingsOf(section)) {
    const text = environment[setting.environment]
    if (text !== undefined && text !== '') values[setting.key] = parseText(setting, text, setting.environment)
  }
  return values
}

/** Reads one value given as text (flag or environment). `origin` names it in the error. */
export function parseText (setting: SettingInfo, text: string, origin: string): unknown {
  switch (setting.kind) {
    case 'number': {
      const value = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : NaN
      if (!Number.isFinite(value)) throw new UsageError(`${origin}: '${text}' is not a number`)
      return value
    }
    case 'boolean':
      if (!/^(true|false|1|0|yes|no)$/i.test(text)) throw new UsageError(`${origin}: '${text}' is not true or false`)
      return /^(true|1|yes)$/i.test(text)
    case 'list': return text.split(/\s+/).filter(Boolean)
    case 'string': return text
  }
}

/** Merges defaults, file, environment and flags (the later wins) and checks the result against the schema. */
export function resolveSettings<S extends Section> (section: S, layers: ReadonlyArray<RawSection | undefined>): Settings<S> {
  const schema = SECTIONS[section]
  const merged = Value.Default(schema, Object.assign({}, ...layers.map(layer => layer ?? {}))) as Record<string, unknown>
  const [first] = Value.Errors(schema, merged)
  if (first !== undefined) throw new UsageError(wrongValue(section, merged, first))
  return merged as Settings<S>
}

function wrongValue (section: Section, values: Record<string, unknown>, error: { instancePath: string, message: string }): string {
  const key = error.instancePath.split('/')[1] ?? ''
  const setting = settingsOf(section).find(candidate => candidate.key === key)
  return `${setting?.flag ?? key}: ${JSON.stringify(values[key])} ${allowedValues(section, key) ?? error.message}`
}

/** For a setting with a fixed set of values: the set. */
function allowedValues (section: Section, key: string): string | undefined {
  const property = (SECTIONS[section].properties as Record<string, { anyOf?: Array<{ const?: string }> }>)[key]
  if (property?.anyOf === undefined) return undefined
  return `must be one of ${property.anyOf.map(choice => choice.const).join(', ')}`
}
