import { once } from 'node:events'
import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http'
import type { Duplex, Readable } from 'node:stream'
import { isBodiless, reasonOf, type Answer, type SiteRequest } from '../http/answer.ts'
import { decodeBody } from '../http/coding.ts'
import { ProxyError } from '../http/failures.ts'
import { listOf, pairs, valueOf, valuesOf, type Fields } from '../http/fields.ts'
import { proxyCodeOfExit } from './failure-codes.ts'
import { filterResponseFields } from '../http/response-fields.ts'
import { pathFields, type StreamAgent, type StreamPeer } from './streams.ts'

/** Largest header section of a response, bytes. */
const MAX_RESPONSE_HEAD = 65_536
/** Of an exit's words for its failure: characters, and ms that they may take. */
const MAX_TEXT = 300
const MAX_TEXT_TIME = 2_000
/** Interim answers passed on for one request. */
const MAX_INTERIM = 16
/** Transfer codings that are undone although nobody asked for them (RFC 9112, section 7). */
const TRANSFER_CODINGS: ReadonlySet<string> = new Set(['gzip', 'x-gzip', 'deflate'])

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
  /** The peer has not taken the stream in time. */
  readonly silent: boolean
  constructor (error: ProxyError, harmless: boolean, { reused = false, isTaken = true } = {}) {
    super(error.code, error.detail, { cause: error.cause })
    this.harmless = harmless
    this.reused = reused
    this.silent = !isTaken && error.code === 'MINWWW_TIMEOUT'
  }
}

/** How long a peer, or all together, may take. */
export interface Limits {
  /** ms until a new stream stands. */
  readonly connect: number
  /** ms from there until the head of the answer, restarted by each part of a body that goes up. */
  readonly answer: number
}

/** What a peer did with the stream of a request. */
export type Reply = { kind: 'response', response: IncomingMessage } | TakenOver
/** After 101, or 2xx to CONNECT: the stream is no HTTP any more. `rest`: what came behind the head. */
export interface TakenOver { kind: 'taken over', response: IncomingMessage, socket: Duplex, rest: Buffer }

/**
 * One request over a stream; the body of the answer is a stream.
 * @throws StreamFailure, ProxyError, the signal's reason
 */
export async function fetchByStream (
  agent: StreamAgent, request: SiteRequest, peer: StreamPeer, limits: Limits, fresh = false
): Promise<StreamAnswer> {
  const stream = isRepeatable(request) ? undefined : await takenStream(agent, request, peer, limits.connect)
  const outgoing = open(agent, request, peer, fresh, stream)
  if (peer.patience !== undefined && isRepeatable(request)) endIfUnheard(outgoing, peer.patience)
  passInterim(outgoing, request)
  const reply = await replyTo(outgoing, request, limits)
  if (reply.kind === 'response') return await toAnswer(reply.response, request, peer)
  reply.socket.destroy()
  throw new ProxyError('MINWWW_BAD_UPSTREAM', `status ${reply.response.statusCode ?? 0} to a request that did not ask for it`)
}

/** A stream of @minwww/streaming; `sending`: the peer has not acknowledged everything. */
interface Acknowledged { readonly connection?: { readonly sending: boolean } }

/** A peer that has acknowledged nothing on an idle stream is gone, or was started anew: it is not waited for as for an answer. */
function endIfUnheard (outgoing: ClientRequest, patience: number): void {
  outgoing.once('socket', (socket: Duplex & Acknowledged) => {
    if (!outgoing.reusedSocket) return
    const timer = setTimeout(() => {
      if (socket.connection?.sending === true) outgoing.destroy(new ProxyError('MINWWW_TIMEOUT', 'the idle stream is dead'))
    }, patience)
    for (const event of ['response', 'close']) outgoing.once(event, () => clearTimeout(timer))
  })
}

/** @throws ProxyError for what must not reach the browser; the response is destroyed then */
export async function toAnswer (response: IncomingMessage, request: SiteRequest, peer: StreamPeer): Promise<StreamAnswer> {
  const received = pairs(response.rawHeaders)
  const status = response.statusCode ?? 0
  try {
    if (status < 200 || status > 599) throw new ProxyError('MINWWW_BAD_UPSTREAM', `status ${status}`)
    followSignal(response, request.signal)
    await refuseFailureOfExit(response, received, peer)
    const plain = withoutTransferCodings(response, received)
    const bodiless = isBodiless(request.method, status)
    if (bodiless) response.resume()
    const body = bodiless ? Buffer.alloc(0) : plain
    const reason = response.statusMessage ?? ''
    return { status, reason, fields: filterResponseFields(received), received, body, path: 'stream', exit: peer.id }
  } catch (error) {
    response.destroy()
    throw error
  }
}

/** An abort after the head ends the body too: the signal belongs to the request until its stream is done. */
function followSignal (response: IncomingMessage, signal: AbortSignal): void {
  const abort = (): void => { response.destroy(reasonOf(signal)) }
  signal.addEventListener('abort', abort, { once: true })
  response.once('close', () => signal.removeEventListener('abort', abort))
  if (signal.aborted) abort()
}

/** @throws ProxyError for a coding that is not known: its bytes would look like the body */
function withoutTransferCodings (response: IncomingMessage, received: Fields): Readable {
  const codings = listOf(valueOf(received, 'transfer-encoding')).filter(coding => coding !== 'chunked' && coding !== 'identity')
  if (codings.length === 0) return response
  if (codings.length === 1 && TRANSFER_CODINGS.has(codings[0]!)) return decodeBody(response, codings)
  throw new ProxyError('MINWWW_BAD_UPSTREAM', `Transfer-Encoding ${codings.join(', ').slice(0, 40)}`)
}

interface Information { statusCode: number, statusMessage: string, rawHeaders: string[] }

function passInterim (outgoing: ClientRequest, request: SiteRequest): void {
  let passed = 0
  outgoing.on('information', ({ statusCode, statusMessage, rawHeaders }: Information) => {
    // 100 answers this proxy, which does not wait for it.
    if (statusCode > 100 && passed++ < MAX_INTERIM) request.interim?.(statusCode, statusMessage, filterResponseFields(pairs(rawHeaders)))
  })
}

/** Options that every request over a stream has. */
export function requestOptions (
  agent: StreamAgent, request: SiteRequest, peer: StreamPeer, fields: Fields, fresh: boolean, stream?: Duplex
): object {
  const isExit = peer.kind === 'exit'
  return {
    ...(fresh ? { createConnection: () => stream ?? agent.createConnection({ peer }) } : { agent }),
    peer,
    method: request.method,
    path: isExit ? targetForProxy(request) : targetForSite(request),
    headers: [...fields, ...pathFields(peer)].flat(),
    setHost: false,
    maxHeaderSize: MAX_RESPONSE_HEAD,
    insecureHTTPParser: false
  }
}

/** RFC 9112, section 3.2.4: an OPTIONS for a whole site has no path, and the last proxy writes "*". */
const isForWholeSite = ({ method, target }: SiteRequest): boolean => method === 'OPTIONS' && target.isPathless
const targetForProxy = (request: SiteRequest): string => isForWholeSite(request) ? `http://${request.target.authority}` : request.target.url
const targetForSite = (request: SiteRequest): string => isForWholeSite(request) ? '*' : request.target.path

/** Safe methods (RFC 9110, section 9.2.1; RFC 4918, 3253, 5323 and the draft of QUERY). */
const REPEATABLE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PROPFIND', 'REPORT', 'SEARCH', 'QUERY'])

export const isRepeatable = (request: SiteRequest): boolean =>
  request.body === undefined && REPEATABLE.has(request.method)

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
    throw request.signal.aborted ? error : new StreamFailure(toStreamError(error), true, { isTaken: false })
  }
}

/** @throws ProxyError MINWWW_TIMEOUT after `timeout` ms, the signal's reason, the stream's own error; the stream is destroyed then */
export async function connected (stream: Duplex, signal: AbortSignal, timeout: number): Promise<void> {
  const end = (): void => { stream.destroy(new ProxyError('MINWWW_TIMEOUT', 'the stream was not taken')) }
  const timer = setTimeout(end, timeout)
  // Who leaves early says nothing of the peer.
  const leave = (): void => { stream.destroy(reasonOf(signal)) }
  const listening = new AbortController()
  // A peer may reset it in the moment in which it takes it.
  stream.on('error', () => {})
  signal.addEventListener('abort', leave, { once: true })
  if (signal.aborted) leave()
  try {
    const closed = once(stream, 'close', listening).then(() => { throw new ProxyError('MINWWW_CONNECTION_FAILED') })
    await Promise.race([once(stream, 'connect', listening), closed])
  } catch (error) {
    throw signal.aborted ? reasonOf(signal) : toStreamError(error)
  } finally {
    listening.abort()
    clearTimeout(timer)
    signal.removeEventListener('abort', leave)
  }
}

function open (agent: StreamAgent, request: SiteRequest, peer: StreamPeer, fresh: boolean, stream?: Duplex): ClientRequest {
  const fields: Fields = [...request.fields]
  if (request.body !== undefined) {
    fields.push(request.bodyLength === undefined ? ['Transfer-Encoding', 'chunked'] : ['Content-Length', String(request.bodyLength)])
  } else if (['POST', 'PUT', 'PATCH'].includes(request.method)) fields.push(['Content-Length', '0'])
  const outgoing = httpRequest(requestOptions(agent, request, peer, fields, fresh || stream !== undefined, stream))
  const { body } = request
  if (body === undefined) outgoing.end()
  else {
    body.pipe(outgoing)
    body.once('error', error => outgoing.destroy(error))
    // An answer may come, and end, before the body has gone up: the rest of it is nobody's any more.
    outgoing.once('response', response => response.once('close', () => {
      body.unpipe(outgoing)
      if (!outgoing.writableFinished) outgoing.destroy()
    }))
  }
  return outgoing
}

/**
 * Waits for what the peer does, and settles whatever that is: a head, a take-over, an error, a stream that ends without a
 * word, the deadline, the abort. A request that an idle stream lost is repeated by the caller, who sees `harmless`.
 * @throws StreamFailure; the signal's reason
 */
export async function replyTo (outgoing: ClientRequest, request: SiteRequest, limits: Limits): Promise<Reply> {
  const { signal, body } = request
  let isTaken = false
  let timer = setTimeout(() => outgoing.destroy(new ProxyError('MINWWW_TIMEOUT', 'the stream was not taken')), limits.connect)
  const progress = (): void => { timer.refresh() }
  const abort = (): void => { outgoing.destroy(reasonOf(signal)) }
  const taken = (): void => {
    isTaken = true
    clearTimeout(timer)
    timer = setTimeout(() => outgoing.destroy(new ProxyError('MINWWW_TIMEOUT', 'no answer on the stream')), limits.answer)
  }
  outgoing.once('socket', (socket: Duplex & { connecting?: boolean }) => {
    if (socket.connecting === true) socket.once('connect', taken)
    // A stream that is used again, or was waited for, has told it once.
    else taken()
  })
  signal.addEventListener('abort', abort, { once: true })
  body?.on('data', progress)
  if (signal.aborted) abort()
  try {
    return await new Promise<Reply>((resolve, reject) => {
      const takeOver = (response: IncomingMessage, socket: Duplex, rest: Buffer): void => {
        // From here on it is nobody's for a moment, and a peer may reset it in the same one.
        socket.on('error', () => {})
        resolve({ kind: 'taken over', response, socket, rest })
      }
      outgoing.once('response', response => resolve({ kind: 'response', response }))
      outgoing.once('upgrade', takeOver)
      outgoing.once('connect', takeOver)
      outgoing.on('error', reject)
      outgoing.once('close', () => reject(new ProxyError('MINWWW_CONNECTION_FAILED', 'the stream ended without an answer')))
    })
  } catch (error) {
    if (signal.aborted) throw reasonOf(signal)
    throw new StreamFailure(toStreamError(error), isRepeatable(request) || !isTaken, { reused: outgoing.reusedSocket, isTaken })
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', abort)
    body?.off('data', progress)
  }
}

export function toStreamError (error: unknown): ProxyError {
  if (error instanceof ProxyError) return error
  const code = (error as { code?: string }).code ?? ''
  if (code.startsWith('HPE_')) return new ProxyError('MINWWW_BAD_UPSTREAM', code, { cause: error })
  if (/TIMEOUT|INACTIVE/.test(code)) return new ProxyError('MINWWW_TIMEOUT', code, { cause: error })
  return new ProxyError('MINWWW_CONNECTION_FAILED', code === '' ? undefined : code, { cause: error })
}

/** An exit names its own failures; the proxy has the page for them. A site cannot ask for the proxy's password. */
async function refuseFailureOfExit (response: IncomingMessage, received: Fields, peer: StreamPeer): Promise<void> {
  const [name] = peer.kind === 'exit' ? valuesOf(received, 'x-minwww-error') : []
  const code = name === undefined ? undefined : proxyCodeOfExit(name)
  const said = response.headers['retry-after'] ?? ''
  const retryAfter = /^[1-9]\d{0,4}$/.test(said) ? Number(said) : undefined
  if (code !== undefined) throw new ProxyError(code, await textOf(response), { retryAfter })
  if (response.statusCode === 407) throw new ProxyError('MINWWW_BAD_UPSTREAM', 'proxy authentication was asked for')
}

/** The exit's words for its failure: one short line, or none where it does not come at once. */
async function textOf (response: IncomingMessage): Promise<string | undefined> {
  const timer = setTimeout(() => { response.destroy() }, MAX_TEXT_TIME)
  let text = ''
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      text += chunk.toString('latin1')
      if (text.length > MAX_TEXT) break
    }
  } catch {
    // What has come is enough.
  } finally {
    clearTimeout(timer)
  }
  return text.slice(0, MAX_TEXT).trim() || undefined
}
