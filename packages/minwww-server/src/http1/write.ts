import { once } from 'node:events'
import type { Writable } from 'node:stream'
import type { Clock } from '@minwww/ground'
import type { Field } from '../fetch/http-types.ts'
import { CutError, SilenceError } from './byte-reader.ts'
import { reasonPhrase } from './head.ts'

export function requestHead (method: string, path: string, fields: readonly Field[]): Buffer {
  return head(`${method} ${path} HTTP/1.1`, fields)
}

export function responseHead (status: number, reason: string, fields: readonly Field[]): Buffer {
  return head(`HTTP/1.1 ${status} ${reasonPhrase(reason)}`, fields)
}

function head (start: string, fields: readonly Field[]): Buffer {
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.from(`${start}\r\n${lines.join('')}\r\n`, 'latin1')
}

/**
 * Writes, and waits until the other end has taken what waits in the stream's buffer.
 *
 * @throws CutError when the stream is closed, SilenceError when nothing is taken for `ms`
 */
export async function write (stream: Writable, bytes: Uint8Array, clock: Clock, ms: number): Promise<void> {
  if (stream.destroyed || stream.writableEnded) throw stream.errored ?? new CutError()
  if (bytes.length === 0 || stream.write(bytes)) return
  await until('drain', stream, clock, ms)
}

/** Ends a stream, and waits until the other end has taken all that waits in its buffer. @throws as `write` */
export async function finish (stream: Writable, clock: Clock, ms: number): Promise<void> {
  if (stream.destroyed) throw stream.errored ?? new CutError()
  stream.end()
  if (!stream.writableFinished) await until('finish', stream, clock, ms)
}

async function until (event: 'drain' | 'finish', stream: Writable, clock: Clock, ms: number): Promise<void> {
  const stop = new AbortController()
  let late = false
  const timer = clock.setTimer(() => {
    late = true
    stop.abort()
  }, ms)
  try {
    await Promise.race([once(stream, event, { signal: stop.signal }), once(stream, 'close', { signal: stop.signal })])
  } catch (error) {
    throw late ? new SilenceError() : error
  } finally {
    timer.clear()
    stop.abort()
  }
  if (stream.destroyed && !stream.writableFinished) throw stream.errored ?? new CutError()
}
