import { StreamingError } from '../errors.ts'
import { OPTION_TABLE } from './option-table.ts'
import type { OptionRow, StreamingOptions } from './option-table.ts'

export { OPTION_TABLE } from './option-table.ts'
export type { OptionRow, StreamingOptions } from './option-table.ts'

/** Fills in the defaults. Throws STREAMING_BAD_OPTION for an unknown field or a value outside its bounds. */
export function resolveOptions (options: Partial<StreamingOptions> = {}, base?: StreamingOptions): StreamingOptions {
  const resolved = { ...(base ?? defaultOptions()) } as Record<string, unknown>
  for (const [field, value] of Object.entries(options)) {
    if (value === undefined) continue
    const row = OPTION_TABLE.find(candidate => candidate.field === field)
    if (row === undefined) throw new StreamingError('STREAMING_BAD_OPTION', `no option is called ${field}`)
    check(row, value)
    resolved[field] = value
  }
  return resolved as unknown as StreamingOptions
}

/**
 * Reads options by their I2P names ('i2p.streaming.maxWindowSize': '64'), as in an I2PTunnel configuration. Names that
 * are not of the streaming library are left alone. Throws STREAMING_BAD_OPTION.
 */
export function parseOptions (properties: Readonly<Record<string, string>>): Partial<StreamingOptions> {
  const parsed: Record<string, unknown> = {}
  for (const row of OPTION_TABLE) {
    const text = properties[row.name]
    if (text === undefined) continue
    const value = parseValue(row, text.trim())
    check(row, value)
    parsed[row.field] = value
  }
  return parsed as Partial<StreamingOptions>
}

export function defaultOptions (): StreamingOptions {
  return Object.fromEntries(OPTION_TABLE.map(row => [row.field, row.default])) as unknown as StreamingOptions
}

function parseValue (row: OptionRow, text: string): unknown {
  switch (row.type) {
    case 'boolean': return text === 'true' || text === '1'
    case 'list': return text.split(/[\s,]+/).filter(entry => entry !== '')
    case 'text': return text
    case 'number': return row.aliases?.[text] ?? Number(text)
  }
}

function check (row: OptionRow, value: unknown): void {
  const bad = (why: string): never => { throw new StreamingError('STREAMING_BAD_OPTION', `${row.name}: ${why}`) }
  switch (row.type) {
    case 'boolean':
      if (typeof value !== 'boolean') bad('must be true or false')
      break
    case 'list':
      if (!Array.isArray(value) || value.some(entry => typeof entry !== 'string')) bad('must be a list of strings')
      break
    case 'text':
      if (typeof value !== 'string' || value.length > row.max) bad(`must be at most ${row.max} characters`)
      break
    case 'number':
      if (typeof value !== 'number' || !Number.isFinite(value)) bad('must be a number')
      if ((value as number) < row.min || (value as number) > row.max) bad(`must be ${row.min} to ${row.max} ${row.unit}`)
      if (row.integer && !Number.isInteger(value)) bad('must be a whole number')
  }
}
