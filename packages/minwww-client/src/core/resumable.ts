import type { HeaderList } from '@minwww/protocol'

/** What must be the same in the rest of a response: its strong validator, and its length in bytes. */
export interface Whole { readonly etag: string, readonly length: number }

/** Where a response can go on elsewhere, so that a browser gets the same bytes or none (RFC 9110, sections 13.1.5 and 14). */
export function wholeOf (status: number, headers: HeaderList): Whole | undefined {
  const valuesOf = (field: string): string[] => headers.flatMap(([name, value]) => name.toLowerCase() === field ? [value] : [])
  const [etag = '', ...moreTags] = valuesOf('etag')
  const [length = '', ...moreLengths] = valuesOf('content-length')
  const isStrong = etag.startsWith('"') && moreTags.length === 0
  const isKnown = /^\d{1,15}$/.test(length) && moreLengths.length === 0
  const takesRanges = valuesOf('accept-ranges').some(value => value.split(',').some(unit => unit.trim().toLowerCase() === 'bytes'))
  return status === 200 && isStrong && isKnown && takesRanges ? { etag, length: Number(length) } : undefined
}
