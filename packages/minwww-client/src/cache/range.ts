/** A satisfiable part: first and last byte. */
export interface Part { first: number, last: number }

/**
 * One byte range of RFC 9110, section 14.1.2. `undefined` for a field that is ignored (not bytes, several ranges, syntax);
 * `unsatisfiable` for one that lies behind the end.
 */
export function parseRange (value: string, length: number): Part | 'unsatisfiable' | undefined {
  const match = /^bytes=\s*(\d{0,15})-(\d{0,15})\s*$/i.exec(value)
  if (match === null) return undefined
  const [, from = '', to = ''] = match
  if (from === '' && to === '') return undefined
  if (from === '') {
    const suffix = Number(to)
    return suffix === 0 || length === 0 ? 'unsatisfiable' : { first: Math.max(0, length - suffix), last: length - 1 }
  }
  if (to !== '' && Number(to) < Number(from)) return undefined
  if (Number(from) >= length) return 'unsatisfiable'
  return { first: Number(from), last: to === '' ? length - 1 : Math.min(Number(to), length - 1) }
}
