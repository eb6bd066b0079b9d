import type { Answer } from '../http/answer.ts'
import { parseHttpDate } from '@minwww/protocol'
import { valueOf, type Fields } from '../http/fields.ts'
import type { Entry } from './entry.ts'
import { parseRange } from './range.ts'

/** The part of a request's fields that decides how a stored response is given out. */
export interface Conditions {
  method: string
  ifNoneMatch: string | undefined
  ifModifiedSince: string | undefined
  range: string | undefined
  ifRange: string | undefined
}

export const conditionsOf = (method: string, fields: Fields): Conditions => ({
  method,
  ifNoneMatch: valueOf(fields, 'if-none-match'),
  ifModifiedSince: valueOf(fields, 'if-modified-since'),
  range: valueOf(fields, 'range'),
  ifRange: valueOf(fields, 'if-range')
})

/** A stored response as the browser asked for it: whole, a part, or 304. */
export function serveEntry (entry: Entry, conditions: Conditions, path: 'cache' | 'stale'): Answer {
  const age = Math.max(0, Math.round(entry.policy.age()))
  const fields: Fields = [...entry.fields.filter(([name]) => name.toLowerCase() !== 'age'), ['Age', String(age)]]
  if (entry.status === 200 && isUnchanged(entry, conditions)) {
    const kept = fields.filter(([name]) => !/^content-(?:length|encoding|type|range)$/i.test(name))
    return { status: 304, reason: 'Not Modified', fields: kept, body: Buffer.alloc(0), path }
  }
  return partOf(entry, fields, conditions, path) ?? { status: entry.status, reason: entry.reason, fields, body: entry.body, path }
}

function partOf (entry: Entry, fields: Fields, conditions: Conditions, path: 'cache' | 'stale'): Answer | undefined {
  const { range, ifRange, method } = conditions
  if (range === undefined || method !== 'GET' || entry.status !== 200 || !matchesIfRange(entry, ifRange)) return undefined
  const part = parseRange(range, entry.body.length)
  if (part === undefined) return undefined
  const rest = fields.filter(([name]) => !/^content-(?:length|range)$/i.test(name))
  if (part === 'unsatisfiable') {
    return {
      status: 416,
      reason: 'Range Not Satisfiable',
      fields: [...rest, ['Content-Range', `bytes */${entry.body.length}`]],
      body: Buffer.alloc(0),
      path
    }
  }
  const { first, last } = part
  return {
    status: 206,
    reason: 'Partial Content',
    fields: [...rest, ['Content-Range', `bytes ${first}-${last}/${entry.body.length}`]],
    body: entry.body.subarray(first, last + 1),
    path
  }
}

const weak = (tag: string): string => tag.trim().replace(/^W\//, '')

function isUnchanged (entry: Entry, { ifNoneMatch, ifModifiedSince }: Conditions): boolean {
  const tag = valueOf(entry.fields, 'etag')
  if (ifNoneMatch !== undefined) {
    return ifNoneMatch.trim() === '*' || (tag !== undefined && (ifNoneMatch.match(/(?:W\/)?"[^"]*"/g) ?? []).map(weak).includes(weak(tag)))
  }
  const modified = dateOf(valueOf(entry.fields, 'last-modified'))
  const since = dateOf(ifModifiedSince)
  return modified !== undefined && since !== undefined && modified <= since
}

const dateOf = (text: string | undefined): number | undefined => parseHttpDate(text ?? '', Date.now())

/** If-Range needs a strong validator. */
function matchesIfRange (entry: Entry, ifRange: string | undefined): boolean {
  if (ifRange === undefined) return true
  const tag = valueOf(entry.fields, 'etag')
  if (ifRange.includes('"')) return tag !== undefined && !tag.startsWith('W/') && ifRange.trim() === tag
  return valueOf(entry.fields, 'last-modified') === ifRange
}
