import { encodeObject, encodeResponse, MAX_OBJECT } from '@minwww/protocol'
import { ServerError } from '../errors.ts'
import type { SharedCache, StoredResponse } from '../fetch/cache.ts'
import { collect, tooLarge } from '../fetch/collect.ts'
import type { Fetcher, Plan } from '../fetch/fetcher.ts'
import type { Field, HttpRequest, UpstreamResponse, Visitor } from '../fetch/http-types.ts'

export interface ResponderOptions {
  fetcher: Pick<Fetcher, 'fetch'>
  /** Bytes of a body that is compressed here before it goes out, or was decompressed. */
  maxDecoded: number
  cache?: SharedCache | undefined
  /** Waits until so many bytes of a response may be taken. */
  meter: (visitor: Visitor, bytes: number, signal: AbortSignal) => Promise<void>
  /** Takes over a response that is too large for a reply, so that a stream can continue it. */
  keep: (visitor: Visitor, request: HttpRequest, response: UpstreamResponse, head: Buffer[]) => void
}

/** From a request to the bytes of a whole HTTP response that fits one reply. */
export class Responder {
  readonly #options: ResponderOptions

  constructor (options: ResponderOptions) {
    this.#options = options
  }

  /**
   * The response in identity coding, at most MAX_OBJECT bytes once coded.
   *
   * @throws ServerError
   */
  async respond (plan: Plan, signal: AbortSignal): Promise<Buffer> {
    const { cache } = this.#options
    if (cache === undefined || plan.site !== undefined) return await this.#fetch(plan, signal)
    const found = cache.find(plan.request)
    if (found.kind === 'hit') {
      plan.slot.release()
      return encoded(found.response)
    }
    cache.invalidate(plan.request)
    return await this.#fetch(plan, signal, cache, found.kind === 'stale' ? found.validators : [])
  }

  async #fetch (plan: Plan, signal: AbortSignal, cache?: SharedCache, validators: Field[] = []): Promise<Buffer> {
    const { fetcher, maxDecoded, meter } = this.#options
    const { request, visitor } = plan
    const asked = validators.length === 0 ? plan : { ...plan, request: { ...request, headers: [...request.headers, ...validators] } }
    const response = await fetcher.fetch(asked, { signal })
    if (validators.length > 0 && response.status === 304) {
      response.body.resume()
      const fresh = cache?.update(request, response.headers)
      return fresh === undefined ? await this.#fetch(plan, signal, cache) : encoded(fresh)
    }
    if (!response.hasBody) {
      response.body.resume()
      return encoded({ ...response, body: Buffer.alloc(0) })
    }
    const collected = await collect(response, { maxCoded: MAX_OBJECT, maxDecoded }, async bytes => await meter(visitor, bytes, signal))
    if (collected.kind === 'too-large') throw this.#keep(visitor, request, response, collected.head, collected.size)
    const whole = { ...response, body: collected.body }
    const message = encoded(whole)
    // Only a body near the limit can be too large once coded; the rest is coded once, by the core.
    if (message.length > MAX_OBJECT && encodeObject(message, { kind: 'response' }).length > MAX_OBJECT) {
      throw this.#keep(visitor, request, response, [collected.body], collected.body.length)
    }
    cache?.store(request, { status: whole.status, reason: whole.reason, headers: whole.headers, body: whole.body })
    return message
  }

  #keep (visitor: Visitor, request: HttpRequest, response: UpstreamResponse, head: Buffer[], size: number): ServerError {
    this.#options.keep(visitor, request, response, head)
    return tooLarge(size)
  }
}

function encoded (response: StoredResponse): Buffer {
  const { status, reason, headers, body } = response
  try {
    return encodeResponse({ status, reason, headers, body })
  } catch (cause) {
    throw new ServerError('MINWWW_EXIT_MALFORMED', 'the answer of the site is not valid HTTP', { cause })
  }
}
