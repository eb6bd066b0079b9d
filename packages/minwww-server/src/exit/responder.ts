import type { Clock } from '@minwww/ground'
import { encodeObject, encodeResponse, MAX_OBJECT } from '@minwww/protocol'
import { ServerError } from '../errors.ts'
import type { SharedCache, StoredResponse } from '../fetch/cache.ts'
import { beginningOf, collect, Moment, tooLarge, type Collected } from '../fetch/collect.ts'
import type { Fetcher, Plan } from '../fetch/fetcher.ts'
import type { Field, UpstreamResponse, Visitor } from '../fetch/http-types.ts'
import type { InterimResponse } from '../http1/response.ts'
import type { Rest } from './rests.ts'

export interface ResponderOptions {
  fetcher: Pick<Fetcher, 'fetch'>
  clock: Clock
  /** Bytes of a body that is compressed here before it goes out, or was decompressed. */
  maxDecoded: number
  /** Answers may go on over streams. Without that what is too large fails, and what is slow is waited for. */
  hasStreams: () => boolean
  cache?: SharedCache | undefined
  /** Waits until so many bytes of a response may be taken. */
  meter: (visitor: Visitor, bytes: number, signal: AbortSignal) => Promise<void>
}

/**
 * An HTTP response for a message in identity coding, at most MAX_OBJECT bytes once coded; with a rest only its beginning. `hints`: the
 * `Link` fields of 103 (Early Hints) before it, which are no fields of the response (RFC 8297); MAX_HINTS characters at most.
 */
export interface Responded { message: Buffer, rest?: Rest, hints?: readonly Field[] }

/** How many bytes of an answer go out as its beginning, should that be needed. */
export type BeginningLength = (response: UpstreamResponse) => number

/** Bytes of an object that promises and the coding may take. */
const RESERVE = 4_096
const EARLY_HINTS = 103
/** Characters of the names and values of all early hints of one answer; further ones are left out. */
export const MAX_HINTS = 16_384

/** From a request to the bytes of an HTTP response that fits one reply. */
export class Responder {
  readonly #options: ResponderOptions

  constructor (options: ResponderOptions) {
    this.#options = options
  }

  /** @param lengthOf - bytes of a beginning, asked once the head of the answer is there. @throws ServerError */
  async respond (plan: Plan, signal: AbortSignal, lengthOf: BeginningLength = beginningOf): Promise<Responded> {
    const { cache } = this.#options
    if (cache === undefined || plan.site !== undefined) return await this.#fetch(plan, signal, lengthOf)
    const found = cache.find(plan.request)
    if (found.kind === 'hit') {
      plan.slot.release()
      return { message: encoded(found.response) }
    }
    cache.invalidate(plan.request)
    return await this.#fetch(plan, signal, lengthOf, cache, found.kind === 'stale' ? found.validators : [])
  }

  async #fetch (
    plan: Plan, signal: AbortSignal, lengthOf: BeginningLength, cache?: SharedCache, validators: Field[] = []
  ): Promise<Responded> {
    const { request } = plan
    const asked = validators.length === 0 ? plan : { ...plan, request: { ...request, headers: [...request.headers, ...validators] } }
    const hints = new Hints()
    const response = await this.#options.fetcher.fetch(asked, { signal, onInterim: interim => hints.add(interim) })
    if (validators.length > 0 && response.status === 304) {
      response.body.resume()
      const fresh = cache?.update(request, response.headers)
      return fresh === undefined ? await this.#fetch(plan, signal, lengthOf, cache) : { message: encoded(fresh) }
    }
    if (!response.hasBody) {
      response.body.resume()
      return { message: encoded({ ...response, body: Buffer.alloc(0) }) }
    }
    const abort = () => response.body.destroy()
    signal.addEventListener('abort', abort, { once: true })
    try {
      return { ...await this.#read(plan, response, signal, lengthOf, cache), hints: hints.links }
    } catch (error) {
      response.body.destroy()
      throw error
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  async #read (
    { request, visitor }: Plan, response: UpstreamResponse, signal: AbortSignal, lengthOf: BeginningLength, cache?: SharedCache
  ): Promise<Responded> {
    const { maxDecoded, meter, hasStreams, clock } = this.#options
    const moment = hasStreams() ? new Moment(clock, response) : undefined
    const beginning = lengthOf(response)
    const limits = { maxCoded: MAX_OBJECT, maxDecoded, beginning, moment }
    const collected = await collect(response, limits, async bytes => await meter(visitor, bytes, signal))
    if (collected.kind === 'part') return this.#begin(response, collected, beginning)
    const { status, reason, headers } = response
    const whole = { status, reason, headers, body: collected.body }
    const message = encoded(whole)
    // Only a body near the limit can be too large once coded; the rest is coded once, by the core.
    if (message.length > MAX_OBJECT && encodeObject(message, { kind: 'response' }).length > MAX_OBJECT) {
      return this.#begin(response, { kind: 'part', head: [collected.body], rest: nothing() }, beginning)
    }
    cache?.store(request, whole)
    return { message }
  }

  #begin (response: UpstreamResponse, { head, rest }: Extract<Collected, { kind: 'part' }>, beginning: number): Responded {
    if (!this.#options.hasStreams()) throw tooLarge(response.length ?? 0)
    const read = Buffer.concat(head)
    const room = MAX_OBJECT - RESERVE - encoded({ ...response, body: Buffer.alloc(0) }).length
    const body = read.subarray(0, response.shrinks ? beginning : Math.min(beginning, room))
    const left = read.subarray(body.length)
    const message = encoded({ ...response, body })
    return { message, rest: { response, head: left.length === 0 ? [] : [Buffer.from(left)], pieces: rest, begun: body.length } }
  }
}

/** What 103s say that a page needs. */
class Hints {
  readonly links: Field[] = []
  #left = MAX_HINTS

  add ({ status, headers }: InterimResponse): void {
    if (status !== EARLY_HINTS) return
    for (const field of headers) {
      const length = field[0].length + field[1].length
      if (field[0].toLowerCase() !== 'link' || length > this.#left) continue
      this.#left -= length
      this.links.push(field)
    }
  }
}

async function * nothing (): AsyncGenerator<Buffer, void, undefined> {}

function encoded (response: StoredResponse): Buffer {
  const { status, reason, headers, body } = response
  try {
    return encodeResponse({ status, reason, headers, body })
  } catch (cause) {
    throw new ServerError('MINWWW_EXIT_MALFORMED', 'the answer of the site is not valid HTTP', { cause })
  }
}
