import type { Answer, SiteRequest } from './answer.ts'
import type { Backend } from './backend.ts'
import { ProxyError } from './failures.ts'
import { fetchByMessage, failureOf, TooLargeError } from './message-path.ts'
import type { Settings } from './options.ts'

/** Chooses the path of one request: messages where they can carry it, else streams. */
export class Exchange {
  readonly #settings: Settings

  constructor (settings: Settings) {
    this.#settings = settings
  }

  async fetch (request: SiteRequest, backend: Backend): Promise<Answer> {
    const fitsMessage = (request.method === 'GET' || request.method === 'HEAD') && request.body === undefined
    if (!fitsMessage) throw new ProxyError('MINWWW_NOT_IMPLEMENTED', request.method)
    try {
      return await fetchByMessage(backend.driver, request, this.#settings.timeout)
    } catch (error) {
      if (!(error instanceof TooLargeError)) throw error
      throw failureOf(error.event)
    }
  }
}
