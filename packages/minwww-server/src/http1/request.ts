import { listOf, valuesOf } from '../fetch/fields.ts'
import type { Field } from '../fetch/http-types.ts'
import type { Framing } from './body.ts'
import { MalformedError, type ByteReader } from './byte-reader.ts'
import { readRequestHead, type HeadLimits } from './head.ts'

/** A request as it came off a connection, before its body. */
export interface IncomingRequest {
  method: string
  /** As it was written: origin-form, absolute-form, authority-form or `*`. */
  target: string
  version: 0 | 1
  fields: Field[]
  framing: Framing
  /** Another request may follow. */
  keepAlive: boolean
  /** The body waits for 100 (Continue) or a final answer. */
  expectsContinue: boolean
  /** Protocols of the Upgrade field that Connection names; lower case. */
  upgrade: string[]
}

const REQUEST_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21-\x7e\x80-\xff]+) HTTP\/1\.([01])$/
const LENGTH = /^\d{1,15}$/

/** All of the header section within `ms`; undefined at the end of the connection. @throws MalformedError, and what the reader throws */
export async function readRequest (reader: ByteReader, limits: HeadLimits, ms: number): Promise<IncomingRequest | undefined> {
  const head = await readRequestHead(reader, limits, reader.deadline(ms))
  if (head === undefined) return undefined
  const [, method, target, minor] = REQUEST_LINE.exec(head.start) ?? []
  if (method === undefined || target === undefined) throw new MalformedError('the request line')
  const version = minor === '1' ? 1 : 0
  const { fields } = head
  const hosts = valuesOf(fields, 'host').length
  if (hosts > 1 || (hosts === 0 && version === 1)) throw new MalformedError('the Host field')
  const connection = listOf(fields, 'connection')
  const framing = method === 'CONNECT' ? NONE : framingOf(fields, version)
  return {
    method,
    target,
    version,
    fields,
    framing,
    keepAlive: version === 1 && !connection.includes('close'),
    expectsContinue: version === 1 && framing.kind !== 'none' && listOf(fields, 'expect').includes('100-continue'),
    upgrade: version === 1 && connection.includes('upgrade') ? listOf(fields, 'upgrade') : []
  }
}

const NONE: Framing = { kind: 'none' }

/** Whatever two readers could take for different lengths is refused (RFC 9112 sections 6.1 and 6.3). */
function framingOf (fields: readonly Field[], version: 0 | 1): Framing {
  const codings = listOf(fields, 'transfer-encoding')
  const lengths = valuesOf(fields, 'content-length')
  if (valuesOf(fields, 'transfer-encoding').length > 0) {
    if (version === 0 || lengths.length > 0 || codings.length !== 1) throw new MalformedError('the length of the body')
    if (codings[0] !== 'chunked') throw new MalformedError('an unknown transfer coding')
    return { kind: 'chunked' }
  }
  if (lengths.length === 0) return NONE
  const [length] = lengths
  if (lengths.length > 1 || length === undefined || !LENGTH.test(length)) throw new MalformedError('the length of the body')
  return length === '0' || Number(length) === 0 ? NONE : { kind: 'length', length: Number(length) }
}
