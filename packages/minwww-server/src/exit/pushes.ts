import type { Clock } from '@minwww/ground'
import { LRUCache } from 'lru-cache'
import {
  addressHash,
  decodeRate,
  encodeObject,
  encodePromises,
  encodePushed,
  HASH,
  MAX_OBJECT,
  MAX_PROMISED_URL,
  MAX_PROMISES,
  parseResponse,
  ProtocolError,
  PUSH_IDS,
  TokenBucket,
  type HttpResponse,
  type PushGrant
} from '@minwww/protocol'
import { fieldsFor, mayPush, needsOf, type AskedPage, type PageStyles, type Reference } from '@minwww/protocol/page'
import { ServerError } from '../errors.ts'
import type { PromisedPush } from '../core.ts'
import { beginningOf, tooLarge } from '../fetch/collect.ts'
import { toServerError } from '../fetch/failures.ts'
import type { Plan } from '../fetch/fetcher.ts'
import type { HttpRequest, UpstreamResponse, Visitor } from '../fetch/http-types.ts'
import type { CoreDriver } from './core-driver.ts'
import type { FetchQueue } from './fetch-queue.ts'
import type { Responded, Responder } from './responder.ts'

export interface PushesOptions {
  driver: () => CoreDriver
  responder: Pick<Responder, 'respond'>
  queue: FetchQueue
  clock: Clock
  /** Asked before a resource is fetched, as for a request; throws ServerError to refuse it. */
  admit: (visitor: Visitor, request: HttpRequest) => Plan
  /** Whether the limits leave room for what a client did not ask for. */
  hasRoom: (visitor: Visitor) => boolean
  onOutcome: (visitor: Visitor, outcome: 'answered' | ServerError['reason'], bytes: number, milliseconds: number) => void
  onQueued: (visitor: Visitor, bytes: number) => void
}

/** A style sheet's style sheets, and theirs; a redirect's page. */
const MAX_DEPTH = 4
/** Seconds of the share that may go at once, and at least so many bytes. */
const SHARE_BURST = 4
const LEAST_BURST = 262_144
/** Most that a client may be sent for one page, bytes. */
const MAX_BUDGET = 4_194_304
/** Resources whose clients are listened to for whether they ask all the same, and for how long, ms: a push is of no use after it. */
export const MAX_SENT = 4_096
const LIFE = 30_000
/** ms that the fetch of a resource may take. */
const DEADLINE = 60_000

/** One page, what its client may still be sent for it, and what it was told to expect. */
interface Page {
  readonly from: Visitor
  readonly asked: AskedPage
  readonly digest: ReadonlySet<string>
  readonly seen: Set<string> // at most MAX_PROMISES
  left: number
  styles?: PageStyles | undefined
}

/** Promises that stand in front of an answer, and what keeps them. */
export interface Promises {
  /** The answer with them. */
  readonly message: Buffer
  /** The answer has left: what was promised is fetched. */
  start: () => void
  /** It has not: nobody expects anything. */
  cancel: () => void
}

/**
 * What a page needs goes to its client before it asks: promised in front of the page, fetched by the same rules as any
 * request, and sent when nothing else is to be sent to that client (section 4.7 of the protocol).
 */
export class Pushes {
  readonly #options: PushesOptions
  /** By handle; bounded by the core's own table of what is promised. */
  readonly #jobs = new Map<number, AbortController>()
  /** Until when it is a waste that a client asks for it. */
  readonly #sent = new LRUCache<string, number>({ max: MAX_SENT })
  #askedAgain = 0
  /** Its share of the bandwidth; undefined where there is no limit. */
  #share: TokenBucket | undefined

  constructor (options: PushesOptions) {
    this.#options = options
  }

  get active (): number { return this.#jobs.size }

  /** Requests for what had been sent to that client just before. */
  get askedAgain (): number { return this.#askedAgain }

  /** A client asks by itself. */
  asked (from: Visitor, url: string): void {
    const key = sentKey(from, url)
    const until = this.#sent.get(key)
    this.#sent.delete(key)
    if (until !== undefined && until > this.#options.clock.now()) this.#askedAgain++
  }

  /** @param rate - bytes/s that pushes may take on average; Infinity is no limit, 0 none at all */
  setShare (rate: number): void {
    const { clock } = this.#options
    const depth = rate === 0 ? 0 : Math.max(rate * SHARE_BURST, LEAST_BURST)
    this.#share = rate === Infinity ? undefined : new TokenBucket(rate, depth, clock.now())
  }

  /** Promises for a client's page; without any the answer is as it was. */
  forPage (handle: number, from: Visitor, request: HttpRequest, grant: PushGrant | undefined, answer: Responded): Promises {
    const { message } = answer
    if (grant === undefined || grant.budget === 0 || request.method !== 'GET') return without(message)
    const response = parsed(answer)
    const page: Page = {
      from,
      asked: { url: request.url, headers: request.headers, received: response?.headers ?? [] },
      digest: new Set(hashesOf(grant.digest)),
      seen: new Set([request.url]),
      left: Math.min(MAX_BUDGET, decodeRate(grant.budget))
    }
    return this.#promise(handle, page, request.url, response, message, 0)
  }

  /** The core has given one up. */
  cancel (handle: number): void {
    this.#options.queue.cancel(jobOf(handle))
    this.#jobs.get(handle)?.abort(new ServerError('MINWWW_EXIT_TIMEOUT', 'the client has gone'))
    this.#jobs.delete(handle)
  }

  close (): void {
    for (const handle of [...this.#jobs.keys()]) this.cancel(handle)
  }

  #promise (handle: number, page: Page, url: string, response: HttpResponse | undefined, message: Buffer, depth: number): Promises {
    if (response === undefined || depth >= MAX_DEPTH || !this.#mayGo(page)) return without(message)
    const { found, styles } = needsOf(url, response, page.styles)
    page.styles ??= styles
    const wanted = found.filter(reference => this.#isWanted(page, reference)).slice(0, Math.max(0, MAX_PROMISES - page.seen.size))
    if (wanted.length === 0 || !fits(encodePromises(wanted.map(({ url }) => ({ id: PUSH_IDS, url }))), message)) return without(message)
    const pushes: PromisedPush[] = []
    this.#options.driver().act((core, now) => { pushes.push(...core.promise?.(now, handle, wanted.length) ?? []) })
    if (pushes.length === 0) return without(message)
    const promises = pushes.map((push, index) => ({ push, reference: wanted[index]! }))
    for (const { reference } of promises) page.seen.add(reference.url)
    const lines = encodePromises(promises.map(({ push: { id }, reference }) => ({ id, url: reference.url })))
    return {
      message: Buffer.concat([lines, message]),
      start: () => { for (const { push, reference } of promises) this.#fetch(page, push.handle, reference, depth) },
      cancel: () => { for (const { push } of promises) this.#fail(push.handle, new ServerError('MINWWW_EXIT_BUSY', 'not sent')) }
    }
  }

  #isWanted (page: Page, { url }: Reference): boolean {
    if (url.length > MAX_PROMISED_URL || page.seen.has(url) || !mayPush(page.asked.url, url)) return false
    return !page.digest.has(addressHash(url).toString('hex'))
  }

  #mayGo ({ from, left }: Page): boolean {
    const { clock, hasRoom } = this.#options
    return left > 0 && (this.#share === undefined || this.#share.level(clock.now()) > 0) && hasRoom(from)
  }

  #fetch (page: Page, handle: number, reference: Reference, depth: number): void {
    const { clock, queue, admit } = this.#options
    const abort = new AbortController()
    this.#jobs.set(handle, abort)
    const fail = (error: ServerError): void => this.#fail(handle, error)
    try {
      if (!this.#mayGo(page)) throw new ServerError('MINWWW_EXIT_BUSY', 'no room for what nobody has asked for')
      const request: HttpRequest = { method: 'GET', url: reference.url, headers: fieldsFor(page.asked, reference, clock.now()) }
      const plan = admit(page.from, request)
      queue.add({
        id: jobOf(handle),
        client: page.from.b32,
        slot: plan.slot,
        deadline: clock.now() + DEADLINE,
        // A style sheet that does not apply needs nothing.
        run: async () => await this.#run(page, handle, plan, abort.signal, reference.kind === 'late-style' ? MAX_DEPTH : depth),
        onShed: () => fail(new ServerError('MINWWW_EXIT_BUSY', 'more is asked of this exit than it can do'))
      })
    } catch (error) {
      fail(toServerError(error, 'request'))
    }
  }

  async #run (page: Page, handle: number, plan: Plan, signal: AbortSignal, depth: number): Promise<void> {
    const { clock, responder, onOutcome } = this.#options
    const started = clock.now()
    try {
      const answer = await responder.respond(plan, signal, refuseLarge)
      const { message, rest } = answer
      if (rest !== undefined) {
        rest.response.body.destroy()
        throw tooLarge(rest.response.length ?? 0)
      }
      if (!this.#jobs.has(handle)) return
      const { url, headers } = plan.request
      const promises = this.#promise(handle, page, url, parsed(answer), message, depth + 1)
      onOutcome(page.from, 'answered', message.length, clock.now() - started)
      if (this.#answer(page, handle, encodePushed(url, headers, promises.message)) > 0) {
        this.#sent.set(sentKey(page.from, url), clock.now() + LIFE)
        promises.start()
      } else promises.cancel()
    } catch (cause) {
      const error = signal.reason instanceof ServerError ? signal.reason : toServerError(cause, 'request')
      onOutcome(page.from, error.reason, 0, clock.now() - started)
      this.#fail(handle, error)
    }
  }

  /** @returns bytes that are sent: none where they are more than the client allowed */
  #answer (page: Page, handle: number, message: Buffer): number {
    const { driver, clock, onQueued } = this.#options
    this.#jobs.delete(handle)
    let sent = 0
    driver().act((core, now) => { sent = core.respond(now, handle, message, 'whole', page.left) ?? message.length })
    page.left -= sent
    this.#share?.force(clock.now(), sent)
    onQueued(page.from, sent)
    return sent
  }

  #fail (handle: number, error: ServerError): void {
    this.#jobs.delete(handle)
    this.#options.driver().act((core, now) => core.fail(now, handle, error.reason, { size: error.size }))
  }
}

const hashesOf = (digest: Buffer): string[] =>
  Array.from({ length: digest.length / HASH }, (_, index) => digest.toString('hex', index * HASH, (index + 1) * HASH))

const sentKey = ({ b32 }: Visitor, url: string): string => `${b32} ${addressHash(url).toString('hex')}`

/** What is longer than an object by its Content-Length is not read, nor counted. @throws ServerError MINWWW_EXIT_TOO_LARGE */
function refuseLarge (response: UpstreamResponse): number {
  if (!response.shrinks && response.hasBody && (response.length ?? 0) > MAX_OBJECT) throw tooLarge(response.length ?? 0)
  return beginningOf(response)
}

const jobOf = (handle: number): string => `push ${handle}`

const without = (message: Buffer): Promises => ({ message, start: () => {}, cancel: () => {} })

/** However well it can be coded. */
function fits (lines: Buffer, message: Buffer): boolean {
  if (lines.length + message.length < MAX_OBJECT) return true
  return encodeObject(Buffer.concat([lines, message]), { kind: 'response' }).length <= MAX_OBJECT
}

/** With the early hints of its site among its fields. */
function parsed ({ message, hints = [] }: Responded): HttpResponse | undefined {
  try {
    const response = parseResponse(message, 'beginning')
    return hints.length === 0 ? response : { ...response, headers: [...response.headers, ...hints] }
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}
