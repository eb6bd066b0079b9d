import { STATUS_CODES } from 'node:http'
import { WIRE_FAILURES } from '@minwww/protocol'
import type { ServerError } from '../errors.ts'
import type { Field } from '../fetch/http-types.ts'
import { responseHead } from '../http1/write.ts'

export interface ErrorAnswer {
  status: number
  reason: string
  headers: Field[]
  body: Buffer
}

/** A failure as an HTTP response. The MinWWW proxy reads X-MinWWW-Error and shows its own page; others see this one. */
export function errorAnswer (error: ServerError): ErrorAnswer {
  const { httpStatus, title } = WIRE_FAILURES[error.reason]
  const body = Buffer.from(`${title}: ${error.message}.\n`)
  const headers: Field[] = [
    ['Content-Type', 'text/plain; charset=utf-8'],
    ['Content-Length', String(body.length)],
    ['Cache-Control', 'no-store'],
    ['X-MinWWW-Error', error.reason]
  ]
  if (error.retryAfter > 0) headers.push(['Retry-After', String(error.retryAfter)])
  return { status: httpStatus, reason: STATUS_CODES[httpStatus] ?? 'Error', headers, body }
}

/** A response as bytes, the last one of its stream. */
export function responseBytes (answer: ErrorAnswer): Buffer {
  return Buffer.concat([responseHead(answer.status, answer.reason, [...answer.headers, ['Connection', 'close']]), answer.body])
}
