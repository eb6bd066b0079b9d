import { METHODS, type ServerResponse } from 'node:http'
import { valueOf, type Fields } from '../http/fields.ts'

/** Methods that are passed on: all that node's parser knows but TRACE, which shows a page its own credentials. */
export const ALLOWED: readonly string[] = METHODS.filter(method => method !== 'TRACE')

/** Max-Forwards of an OPTIONS request (RFC 9110, section 7.6.2): how many proxies may pass it on. Other methods have none. */
export class Forwards {
  readonly #left: number | undefined

  private constructor (left: number | undefined) {
    this.#left = left
  }

  static of (method: string, fields: Fields): Forwards {
    const value = method === 'OPTIONS' ? valueOf(fields, 'max-forwards')?.trim() ?? '' : ''
    return new Forwards(/^\d{1,9}$/.test(value) ? Number(value) : undefined)
  }

  /** The request is for this proxy. */
  get isLast (): boolean { return this.#left === 0 }

  /** For the next proxy or the site. */
  get next (): Fields { return this.#left === undefined ? [] : [['Max-Forwards', String(this.#left - 1)]] }
}

/** What this proxy can do, for an OPTIONS that goes no further (RFC 9110, section 9.3.7). */
export function answerHere (response: ServerResponse): void {
  response.writeHead(200, ['Allow', ALLOWED.join(', '), 'Content-Length', '0']).end()
}
