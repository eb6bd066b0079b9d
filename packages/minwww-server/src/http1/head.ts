import { trimWhiteSpace } from '@minwww/protocol'
import type { Field } from '../fetch/http-types.ts'
import { MalformedError, type ByteReader } from './byte-reader.ts'

export interface Head {
  /** Request line or status line. */
  start: string
  fields: Field[]
}

export interface HeadLimits {
  /** Bytes of the whole section. */
  maxBytes: number
  maxFields: number
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
/** RFC 9110 section 5.5: visible characters, spaces, tabs and obs-text. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/
// eslint-disable-next-line no-control-regex
const CONTROLS = /[\x00-\x08\x0a-\x1f\x7f]/g
/** Empty lines before a request line (RFC 9112 section 2.2). */
const MAX_EMPTY = 2

/** `Name: value` as it stands; without a colon the name is empty, which is no name. */
function fieldOf (line: string): { name: string, value: string } {
  const colon = Math.max(0, line.indexOf(':'))
  return { name: line.slice(0, colon), value: trimWhiteSpace(line.slice(colon + 1)) }
}

/** The lines of one header section, without their ends; undefined at the end of the stream. */
function lineReader (
  reader: ByteReader, limits: HeadLimits, ms: () => number, { needsCr }: { needsCr: boolean }
): () => Promise<string | undefined> {
  let left = limits.maxBytes
  return async () => {
    const bytes = await reader.line(left, ms())
    if (bytes === undefined) return undefined
    left -= bytes.length
    const hasCr = bytes.at(-2) === CR
    if (needsCr && !hasCr) throw new MalformedError('a line ends without CR')
    return bytes.toString('latin1', 0, bytes.length - (hasCr ? 2 : 1))
  }
}

/**
 * The header section of a request, by the letter of RFC 9112: every line ends with CRLF, no line folding, no white space
 * before a colon. Undefined if the stream ended before it.
 *
 * @throws MalformedError, and what the reader throws
 */
export async function readRequestHead (reader: ByteReader, limits: HeadLimits, ms: () => number): Promise<Head | undefined> {
  const line = lineReader(reader, limits, ms, { needsCr: true })
  let start = await line()
  for (let empty = 0; start === '' && empty < MAX_EMPTY; empty++) start = await line()
  if (start === undefined) return undefined
  const fields: Field[] = []
  for (;;) {
    const text = await line()
    if (text === undefined) throw new MalformedError('the connection ended inside the header section')
    if (text === '') return { start, fields }
    const { name, value } = fieldOf(text)
    if (!TOKEN.test(name) || !VALUE.test(value)) throw new MalformedError('a field')
    if (fields.length >= limits.maxFields) throw new MalformedError('too many fields')
    fields.push([name, value])
  }
}

/**
 * The header section of a response, with the repairs that RFC 9112 asks of a proxy: white space before a colon goes
 * (section 5.1), a folded line is joined by a space (5.2), a lone LF ends a line (2.2), control characters in a value
 * become spaces (RFC 9110 section 5.5). Undefined if the stream ended before it.
 *
 * @throws MalformedError, and what the reader throws
 */
export async function readResponseHead (reader: ByteReader, limits: HeadLimits, ms: () => number): Promise<Head | undefined> {
  const line = lineReader(reader, limits, ms, { needsCr: false })
  const start = await line()
  if (start === undefined) return undefined
  const fields: Field[] = []
  for (;;) {
    const text = await line()
    if (text === undefined) throw new MalformedError('the connection ended inside the header section')
    if (text === '') return { start, fields }
    const last = fields.at(-1)
    if (/^[\t ]/.test(text)) {
      if (last === undefined) throw new MalformedError('a folded line without a field')
      last[1] = `${last[1]} ${tidy(text)}`.trim()
      continue
    }
    const { name: raw, value } = fieldOf(text.replace(CONTROLS, ' '))
    // White space before the colon goes; before the name it was a folded line.
    const name = trimWhiteSpace(raw)
    if (!TOKEN.test(name)) throw new MalformedError('a field')
    if (fields.length >= limits.maxFields) throw new MalformedError('too many fields')
    fields.push([name, value])
  }
}

/** A reason phrase that may go into a status line (RFC 9112 section 4); empty for one that may not. */
export function reasonPhrase (text: string): string {
  return VALUE.test(text) ? text.trim() : ''
}

const CR = 0x0d

function tidy (text: string): string {
  return text.replace(CONTROLS, ' ').trim()
}
