import { once } from 'node:events'
import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { isBodiless, type Answer, type SiteRequest } from '../http/answer.ts'
import { ProxyError } from '../http/failures.ts'
import { pairs, valuesOf, type Fields } from '../http/fields.ts'
import { proxyCodeOfExit } from './failure-codes.ts'
import { filterResponseFields } from '../http/response-fields.ts'
import type { StreamAgent, StreamPeer } from './streams.ts'

/** Largest header section of a response, bytes. */
const MAX_RESPONSE_HEAD = 65_536

export interface StreamAnswer extends Answer {
  /** The fields as they came, for what the proxy itself reads. */
  readonly received: Fields
}

/** A peer could not be reached, or broke off before it had answered: another one may be asked if that is harmless. */
export class StreamFailure extends ProxyError {
  /** False if the peer may have acted on the request. */
  readonly harmless: boolean
  /** An idle stream had ended: the same peer deserves a new one. */
  readonly reused: boolean
  constructor (error: ProxyError, harmless: boolean, reused = false) {
    super(error.code, error.detail, { cause: error.cause })
    this.harmless = harmless
    this.reused = reused
  }
}

/** How long a peer may take. */
export interface Limits {
  /** ms until a new stream stands. */
  readonly connect: number
  /** ms until the head of the answer, restarted by each part of a body that goes up. */
  readonly answer: number
}

/**
 * One request over a stream; the body of the answer is a stream.
 * @throws StreamFailure, ProxyError, the signal's reason
 */
export async function fetchByStream (agent: StreamAgent, request: SiteRequest, peer: StreamPeer, limits: Limits, fresh = false): Promise<StreamAnswer> {
  const stream = isRepeatable(request) ? undefined : await takenStream(agent, request, peer, limits.connect)
  const outgoing = open(agent, request, peer, fresh, stream)
  const response = await answerTo(outgoing, request, limits)
  const received = pairs(response.rawHeaders)
  const status = response.statusCode ?? 0
  if (status < 200 || status > 599) {
    response.destroy()
    throw new ProxyError('MINWWW_BAD_UPSTREAM', `status ${status}`)
  }
  refuseFailureOfExit(response, received, peer)
  // An abort after the head ends the body too: the signal belongs to the request until its stream is done.
  const abort = (): void => { response.destroy(reasonOf(request.signal)) }
  request.signal.addEventListener('abort', abort, { once: true })
  response.once('close', () => request.signal.removeEventListener('abort', abort))
  const bodiless = isBodiless(request.method, status)
  if (bodiless) response.resume()
  const body = bodiless ? Buffer.alloc(0) : response
  return { status, reason: response.statusMessage ?? '', fields: filterResponseFields(received), received, body, path: 'stream', exit: peer.id }
}

/** Options that every request over a stream has. */
export function requestOptions (agent: StreamAgent, request: SiteRequest, peer: StreamPeer, fields: Fields, fresh: boolean, stream?: Duplex): object {
  const isExit = peer.kind === 'exit'
  return {
    ...(fresh ? { createConnection: () => stream ?? agent.createConnection({ peer }) } : { agent }),
    peer,
    method: request.method,
    path: isExit ? request.target.url : request.target.path,
    headers: fields.flat(),
    setHost: false,
    maxHeaderSize: MAX_RESPONSE_HEAD,
    insecureHTTPParser: false
  }
}

export const isRepeatable = (request: SiteRequest): boolean =>
  request.body === undefined && ['GET', 'HEAD', 'OPTIONS', 'PROPFIND'].includes(request.method)

/**
 * A new stream that the peer has taken, before anything of the request is on its way: the first packet would carry data. So one
 * that cannot be repeated may still go to another peer, and is not caught by the end of an idle stream.
 * @throws StreamFailure
 */
async function takenStream (agent: StreamAgent, request: SiteRequest, peer: StreamPeer, timeout: number): Promise<Duplex> {
  const stream = agent.createConnection({ peer })
  try {
    await connected(stream, request.signal, timeout)
    return stream
  } catch (error) {
    throw request.signal.aborted ? reasonOf(request.signal) : new StreamFailure(toStreamError(error), true)
  }
}

/** @throws ProxyError MINWWW_TIMEOUT after `timeout` ms or when aborted, the stream's own error; the stream is destroyed then */
export async function connected (stream: Duplex, signal: AbortSignal, timeout: number): Promise<void> {
  const end = (): void => { stream.destroy(new ProxyError('MINWWW_TIMEOUT', 'the stream was not taken')) }
  const timer = setTimeout(end, timeout)
  const listening = new AbortController()
  signal.addEventListener('abort', end, { once: true })
  if (signal.aborted) end()
  try {
    await Promise.race([once(stream, 'connect', listening), once(stream, 'close', listening).then(() => { throw new ProxyError('MINWWW_CONNECTION_FAILED') })])
  } catch (error) {
    throw toStreamError(error)
  } finally {
    listening.abort()
    clearTimeout(timer)
    signal.removeEventListener('abort', end)
  }
}

function open (agent: StreamAgent, request: SiteRequest, peer: StreamPeer, fresh: boolean, stream?: Duplex): ClientRequest {
  const fields: Fields = [...request.fields]
  if (request.body !== undefined) {
    fields.push(request.bodyLength === undefined ? ['Transfer-Encoding', 'chunked'] : ['Content-Length', String(request.bodyLength)])
  } else if (['POST', 'PUT', 'PATCH'].includes(request.method)) fields.push(['Content-Length', '0'])
  const outgoing = httpRequest(requestOptions(agent, request, peer, fields, fresh || stream !== undefined, stream))
  if (request.body === undefined) outgoing.end()
  else {
    request.body.pipe(outgoing)
    request.body.once('error', error => outgoing.destroy(error))
  }
  return outgoing
}

/** Waits for the head; a request that an idle stream lost is repeated by the caller, who sees `harmless`. */
export async function answerTo (outgoing: ClientRequest, request: SiteRequest, limits: Limits): Promise<IncomingMessage> {
  return await new Promise((resolve, reject) => {
    let isTaken = false
    const settle = watch(outgoing, request, limits, error => {
      reject(request.signal.aborted ? reasonOf(request.signal) : new StreamFailure(error, isRepeatable(request) || !isTaken, outgoing.reusedSocket))
    })
    outgoing.once('socket', (socket: Duplex) => {
      // A stream that is used again, or was waited for, has told it once.
      if (outgoing.reusedSocket || (socket as { connecting?: boolean }).connecting !== true) isTaken = true
      else socket.once('connect', () => { isTaken = true })
    })
    outgoing.once('response', response => {
      settle()
      resolve(response)
    })
  })
}

/** Deadlines, abort and errors of a request until its head is there; returns how to end the watch. */
export function watch (outgoing: ClientRequest, request: SiteRequest, { connect, answer }: Limits, fail: (error: ProxyError) => void): () => void {
  const timer = setTimeout(() => outgoing.destroy(new ProxyError('MINWWW_TIMEOUT', 'no answer on the stream')), answer)
  let connecting: NodeJS.Timeout | undefined
  outgoing.once('socket', (socket: Duplex & { connecting?: boolean }) => {
    if (socket.connecting !== true) return
    connecting = setTimeout(() => outgoing.destroy(new ProxyError('MINWWW_TIMEOUT', 'the stream was not taken')), connect)
    socket.once('connect', () => clearTimeout(connecting))
  })
  const abort = (): void => { outgoing.destroy(reasonOf(request.signal)) }
  const progress = (): void => { timer.refresh() }
  const settle = (): void => {
    clearTimeout(timer)
    clearTimeout(connecting)
    request.signal.removeEventListener('abort', abort)
    request.body?.off('data', progress)
  }
  request.signal.addEventListener('abort', abort, { once: true })
  request.body?.on('data', progress)
  if (request.signal.aborted) abort()
  outgoing.on('error', error => {
    settle()
    fail(toStreamError(error))
  })
  return settle
}

export function toStreamError (error: unknown): ProxyError {
  if (error instanceof ProxyError) return error
  const code = (error as { code?: string }).code ?? ''
  if (code.startsWith('HPE_')) return new ProxyError('MINWWW_BAD_UPSTREAM', code, { cause: error })
  if (/TIMEOUT|INACTIVE/.test(code)) return new ProxyError('MINWWW_TIMEOUT', code, { cause: error })
  return new ProxyError('MINWWW_CONNECTION_FAILED', code === '' ? undefined : code, { cause: error })
}

/** An exit names its own failures; the proxy has the page for them. A site cannot ask for the proxy's password. */
function refuseFailureOfExit (response: IncomingMessage, received: Fields, peer: StreamPeer): void {
  const [name] = peer.kind === 'exit' ? valuesOf(received, 'x-minwww-error') : []
  const code = name === undefined ? undefined : proxyCodeOfExit(name)
  if (code === undefined && response.statusCode !== 407) return
  response.destroy()
  throw new ProxyError(code ?? 'MINWWW_BAD_UPSTREAM', code === undefined ? 'proxy authentication was asked for' : name, { retryAfter: Number(response.headers['retry-after']) || undefined })
}

const reasonOf = (signal: AbortSignal): Error => signal.reason instanceof Error ? signal.reason : new Error('aborted')
