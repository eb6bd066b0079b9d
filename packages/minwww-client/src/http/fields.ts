/** Header fields as pairs, in order, with the names as they were written. */
export type Fields = Array<[name: string, value: string]>

/** Pairs from node's flat `rawHeaders`. */
export function pairs (raw: readonly string[]): Fields {
  const fields: Fields = []
  for (let i = 0; i + 1 < raw.length; i += 2) fields.push([raw[i] ?? '', raw[i + 1] ?? ''])
  return fields
}

/** All values of a name, in order; the name in lower case. */
export const valuesOf = (fields: Fields, name: string): string[] =>
  fields.filter(field => field[0].toLowerCase() === name).map(field => field[1])

/** The fields but those of a name in lower case. */
export const without = (fields: Fields, name: string): Fields => fields.filter(field => field[0].toLowerCase() !== name)

/** All values of a name joined as a list, or undefined. */
export function valueOf (fields: Fields, name: string): string | undefined {
  const values = valuesOf(fields, name)
  return values.length === 0 ? undefined : values.join(name === 'cookie' ? '; ' : ', ')
}

/** Members of a comma-separated list in lower case. */
export const listOf = (value: string | undefined): string[] =>
  (value ?? '').split(',').map(member => member.trim().toLowerCase()).filter(member => member !== '')

/** Names in the Connection fields: hop-by-hop by the sender's own word. */
export const connectionNames = (fields: Fields): Set<string> =>
  new Set(valuesOf(fields, 'connection').flatMap(value => listOf(value)))

/** One object with lower-case names, without a prototype: `__proto__` is a name like any other. */
export function toRecord (fields: Fields): Record<string, string | string[]> {
  const record: Record<string, string | string[]> = Object.create(null)
  for (const [name] of fields) {
    const key = name.toLowerCase()
    if (key in record) continue
    record[key] = key === 'set-cookie' ? valuesOf(fields, key) : valueOf(fields, key) ?? ''
  }
  return record
}
