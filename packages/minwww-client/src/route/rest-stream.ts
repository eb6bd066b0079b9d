import { request as httpRequest, type IncomingMessage } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import type { Readable } from 'node:stream'
import { EXIT_PORT, REST_SCHEME } from '@minwww/protocol'
import type { RestName } from '../core.ts'
import type { SiteRequest } from '../http/answer.ts'
import { ProxyError } from '../http/failures.ts'
import { bodyOf, counted } from '../http/pieces.ts'
import { replyTo, requestOptions, StreamFailure, type Limits } from './stream-path.ts'
import { pathFields, type KnownPath, type StreamAgent, type StreamPeer } from './streams.ts'
import { whenDone, type Expected, type WaitingStreams } from './waiting-streams.ts'

/** An exit keeps a rest for a minute, ms. */
const LIMITS: Limits = { connect: 30_000, answer: 30_000 }
/** An exit that has no room for a stream has some in a moment: ms until it is asked again, each time. */
const RETRIES = [500, 1_000, 2_000, 4_000] as const

/** ms that what an exit has sent may take. */
const ON_ITS_WAY = 10_000

/**
 * The stream on which an answer goes on whose beginning comes as a message. One that waits at the exit brings it without being asked;
 * else it is opened at once, so that it is there when the beginning is.
 */
export class RestStream {
  readonly #agent: StreamAgent
  readonly #peer: StreamPeer
  readonly #name: RestName
  readonly #request: SiteRequest
  readonly #waiting: WaitingStreams | undefined
  readonly #abort = new AbortController()
  readonly #response: Promise<IncomingMessage>

  /**
   * @param request - what is answered; its signal ends the stream
   * @param path - what is known of the path to the exit
   */
  constructor (
    agent: StreamAgent, kind: StreamPeer['kind'], name: RestName, request: SiteRequest, path?: KnownPath, waiting?: WaitingStreams
  ) {
    this.#agent = agent
    this.#peer = { kind, id: name.exit.b32, destination: name.exit, port: EXIT_PORT, path }
    this.#waiting = waiting
    this.#name = name
    this.#request = { ...request, signal: AbortSignal.any([request.signal, this.#abort.signal]) }
    this.#response = this.#open()
    // Whoever wants the rest hears of it.
    this.#response.catch(() => {})
  }

  /** True for the rest of that beginning. */
  is ({ source, session, id }: RestName): boolean {
    return source === this.#name.source && session === this.#name.session && id === this.#name.id
  }

  /**
   * The whole body: `beginning`, and what follows.
   * @param length - bytes of the whole, if they are known: another length is an error
   */
  bodyAfter (beginning: Iterable<Buffer> | AsyncIterable<Buffer>, length: number | undefined): Readable {
    return bodyOf(this.#pieces(beginning, length), this.#request.signal, () => this.close())
  }

  close (): void {
    this.#abort.abort()
    this.#response.then(response => { response.destroy() }, () => {})
  }

  async * #pieces (beginning: Iterable<Buffer> | AsyncIterable<Buffer>, length: number | undefined): AsyncGenerator<Buffer> {
    const rest = async function * (response: Promise<IncomingMessage>): AsyncGenerator<Buffer> {
      yield * await response as AsyncIterable<Buffer>
    }
    yield * counted([beginning, rest(this.#response)], length)
  }

  /** @throws ProxyError */
  async #open (): Promise<IncomingMessage> {
    const expected = this.#waiting?.expect(this.#name, this.#request.signal, this.#peer.path?.rtt)
    return expected === undefined ? await this.#askUntil() : await this.#await(expected)
  }

  /** Asks where it does not come by itself in time; then whichever comes. */
  async #await ({ soon, response, leave }: Expected): Promise<IncomingMessage> {
    const found = await soon
    if (found !== undefined) return found
    const late = response.then(found => found ?? Promise.reject(new ProxyError('MINWWW_CONNECTION_FAILED')))
    const asked = this.#askUntil()
    // An exit that has nothing by this name has sent it on another stream, or lost it.
    asked.catch(async () => {
      await delay(ON_ITS_WAY, undefined, { ref: false })
      leave()
    })
    return await Promise.any([late, asked]).catch(async () => await asked).finally(leave)
  }

  /** @throws ProxyError */
  async #askUntil (): Promise<IncomingMessage> {
    for (const [attempt, wait] of [...RETRIES, undefined].entries()) {
      try {
        return await this.#ask(attempt > 0)
      } catch (error) {
        if (wait === undefined || !(error instanceof StreamFailure) || this.#request.signal.aborted) throw error
        // An idle stream that had ended says nothing of the exit.
        if (!error.reused) await delay(wait, undefined, { signal: this.#request.signal })
      }
    }
    throw new ProxyError('MINWWW_CONNECTION_FAILED')
  }

  async #ask (fresh: boolean): Promise<IncomingMessage> {
    const { session, id, token } = this.#name
    const target = { path: `${REST_SCHEME}${token ?? `${session}/${id}`}`, headers: ['Host', 'minwww', ...pathFields(this.#peer).flat()] }
    const outgoing = httpRequest({ ...requestOptions(this.#agent, this.#request, this.#peer, [], fresh), ...target, method: 'GET' })
    outgoing.end()
    const reply = await replyTo(outgoing, { ...this.#request, method: 'GET' }, LIMITS)
    if (reply.kind === 'response' && reply.response.statusCode === 200) {
      whenDone(reply.response, () => this.#waiting?.wait(this.#agent, this.#peer, this.#name.source))
      return reply.response
    }
    reply.response.destroy()
    throw new ProxyError('MINWWW_CONNECTION_FAILED', 'the exit has nothing that goes on')
  }
}
