import { listOf, valuesOf } from '../fetch/fields.ts'
import type { Field } from '../fetch/http-types.ts'
import type { Framing } from './body.ts'
import { CutError, MalformedError, type ByteReader } from './byte-reader.ts'
import { readResponseHead, reasonPhrase, type HeadLimits } from './head.ts'

/** What stands before the final answer: 100, 102, 103 and their like. */
export interface InterimResponse {
  status: number
  reason: string
  headers: Field[]
}

/** The final answer's head; its body is still on the connection. */
export interface ResponseHead {
  /** 101, or 200 to 999. */
  status: number
  reason: string
  headers: Field[]
  framing: Framing
  /** Transfer codings before `chunked`, in the order in which they were applied. */
  transferCodings: string[]
  /** The connection may be used again after the body. */
  keepAlive: boolean
}

const STATUS_LINE = /^HTTP\/(\d)\.(\d) ([1-9]\d\d)(?: (.*))?$/
const LENGTH = /^\d{1,15}$/
/** Interim answers before a final one; more are an attack. */
const MAX_INTERIM = 16
const WITHOUT_BODY = new Set([204, 304])

/**
 * The answer to one request. Interim answers are handed to `onInterim` in their order, whoever asked for them
 * (RFC 9110 section 15.2).
 *
 * @throws MalformedError; CutError if the connection ended before the first byte; what the reader throws
 */
export async function readResponse (
  reader: ByteReader, method: string, limits: HeadLimits, ms: () => number, onInterim: (response: InterimResponse) => void
): Promise<ResponseHead> {
  for (let count = 0; count <= MAX_INTERIM; count++) {
    const head = await readResponseHead(reader, limits, ms)
    if (head === undefined) throw new CutError()
    const [, major, minor, code, text = ''] = STATUS_LINE.exec(head.start) ?? []
    if (major !== '1' || code === undefined) throw new MalformedError('the status line')
    const status = Number(code)
    const reason = reasonPhrase(text)
    const headers = head.fields
    if (status >= 200 || status === 101) {
      const transferCodings = codingsOf(headers)
      const framing = framingOf(headers, transferCodings, method, status)
      const connection = listOf(headers, 'connection')
      const isPersistent = minor === '0' ? connection.includes('keep-alive') : !connection.includes('close')
      const keepAlive = framing.kind !== 'until-close' && isPersistent
      return { status, reason, headers, framing, transferCodings: transferCodings.filter(isNotChunked), keepAlive }
    }
    onInterim({ status, reason, headers })
  }
  throw new MalformedError('too many interim answers')
}

const isNotChunked = (coding: string): boolean => coding !== 'chunked'

function codingsOf (headers: readonly Field[]): string[] {
  const codings = listOf(headers, 'transfer-encoding').filter(coding => coding !== 'identity')
  const chunked = codings.indexOf('chunked')
  if (chunked !== -1 && chunked !== codings.length - 1) throw new MalformedError('a transfer coding after chunked')
  return codings
}

function framingOf (headers: readonly Field[], codings: readonly string[], method: string, status: number): Framing {
  if (method === 'HEAD' || WITHOUT_BODY.has(status) || status === 101) return { kind: 'none' }
  const lengths = valuesOf(headers, 'content-length')
  if (codings.length > 0) {
    if (lengths.length > 0) throw new MalformedError('two lengths')
    return { kind: codings.includes('chunked') ? 'chunked' : 'until-close' }
  }
  if (lengths.length === 0) return { kind: 'until-close' }
  const [length] = lengths
  if (lengths.length > 1 || length === undefined || !LENGTH.test(length)) throw new MalformedError('the length of the body')
  return { kind: 'length', length: Number(length) }
}
