import { ServerError } from '../errors.ts'
import type { HttpRequest, Visitor } from '../fetch/http-types.ts'
import type { Bandwidth } from '../limits/bandwidth.ts'
import type { Admission } from '../limits/core/admission.ts'
import type { Policy } from '../policy/policy.ts'
import type { Statistics } from './statistics.ts'

/** Methods that do not count as POSTs. What goes through a tunnel nobody sees. */
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS', 'CONNECT', 'PROPFIND', 'REPORT', 'SEARCH', 'QUERY'])
/** ERROR's retryAfter is a u16, seconds. */
const MAX_RETRY = 65_535

export interface AccessControlOptions {
  policy: Policy
  admission: Admission
  bandwidth: Bandwidth
  statistics: Statistics
  /** Requests under way, and pushes. */
  active: () => number
  now: () => number
}

/** The one place that decides whether a request is taken at all, on messages and on streams. */
export class AccessControl {
  readonly #options: AccessControlOptions

  constructor (options: AccessControlOptions) {
    this.#options = options
  }

  /** Whether one more request of a client would be taken; says so without counting it. */
  hasRoom (visitor: Visitor): boolean {
    const { admission, bandwidth, active, now } = this.#options
    return admission.hasRoom(now(), visitor.b32) && bandwidth.refuse(visitor.b32, active() + 1) === undefined
  }

  /** Bytes went to a client on a stream. @returns ms until more may */
  streamed (visitor: Visitor, bytes: number): number {
    const { admission, now } = this.#options
    admission.spend(now(), visitor.b32, bytes)
    return admission.pause(now(), visitor.b32)
  }

  /** @throws ServerError MINWWW_EXIT_POLICY, MINWWW_EXIT_BUSY with retryAfter */
  admit (visitor: Visitor, request: Pick<HttpRequest, 'method'>): void {
    const { policy, admission, bandwidth, statistics, active, now } = this.#options
    try {
      policy.checkVisitor(visitor)
    } catch (error) {
      statistics.refused('destination')
      throw error
    }
    const refusal = admission.admit(now(), visitor.b32, SAFE.has(request.method)) ?? bandwidth.refuse(visitor.b32, active())
    if (refusal === undefined) return
    statistics.refused(refusal.cause)
    throw new ServerError('MINWWW_EXIT_BUSY', WORDS[refusal.cause] ?? 'this exit has reached a limit', {
      retryAfter: Math.min(MAX_RETRY, refusal.retryAfter)
    })
  }
}

const WORDS: Record<string, string> = {
  'cool-down': 'you have asked this exit for too much; it pauses for you',
  'requests-client': 'you have asked this exit for too much',
  'posts-client': 'you have sent too much through this exit',
  'bytes-client': 'your share of the bandwidth of this exit is used up',
  quota: 'the traffic that this exit may use is used up'
}
