import { parseUrl } from '@minwww/protocol'
import { fieldsFor, mayNeed, readLinkFields, References, type AskedPage, type PageStyles, type Reference } from '@minwww/protocol/page'
import { fieldsOf, isAnswerTo, isReferredBy } from '../core/asked.ts'
import type { PushGate } from '../core/push-gate.ts'
import { destroyBody, type Answer, type SiteRequest } from '../http/answer.ts'
import { ProxyError } from '../http/failures.ts'
import { valueOf, valuesOf, type Fields } from '../http/fields.ts'
import { isPrivateHost } from '../http/private-hosts.ts'
import { parseTarget, type Target } from '../http/target.ts'
import { tapped } from './page-tap.ts'

/** Answers that are waited for or wait for their request: of one page, and of one user. */
const MAX_OF_PAGE = 24
export const MAX_PRELOADS = 96
/** What was fetched ahead is there for so long, ms. */
const LIFE = 30_000
/** What an answer without a length counts, bytes. */
const UNKNOWN = 8_192
/** Other sites of I2P that are looked up for one page. */
const MAX_SITES = 8

export interface PreloadsOptions {
  /** Asks as a browser's request is asked. */
  ask: (request: SiteRequest) => Promise<Answer>
  /** Whether the cache would answer it. */
  isKept: (request: SiteRequest) => Promise<boolean>
  /** Looks up where a site is, so that it is known when the browser asks for it. */
  lookUp: (target: Target) => void
  /** How much of what is fetched ahead gets used, by site. */
  gate: PushGate | undefined
  now: () => number
}

/** A page that goes by, and what of it was fetched. */
interface Page {
  readonly asked: AskedPage
  readonly site: string
  readonly seen: Set<string> // at most MAX_OF_PAGE and the references that are not fetched
  readonly sites: Set<string> // at most MAX_SITES
  styles: PageStyles | undefined
  left: number
}

/** What was fetched ahead. */
interface Preload {
  readonly page: Page
  readonly request: SiteRequest
  /** What named it: the page, or a style sheet. */
  readonly by: string
  readonly answer: Promise<Answer | undefined>
  readonly abort: AbortController
  readonly timer: NodeJS.Timeout
  /** A style sheet that does not apply: nothing in it is needed. */
  readonly isLate: boolean
}

/**
 * Asks for what a page needs while the page goes by, where no exit does so: by as many messages or streams as the other end
 * takes, beyond a browser's six connections. An answer is used as a push is: by a request that would have got the same, once.
 */
export class Preloads {
  readonly #options: PreloadsOptions
  /** By address. */
  readonly #preloads = new Map<string, Preload>()

  constructor (options: PreloadsOptions) {
    this.#options = options
  }

  get size (): number { return this.#preloads.size }

  /** @param ask - asks for what was not fetched ahead */
  async fetch (request: SiteRequest, ask: (request: SiteRequest) => Promise<Answer>): Promise<Answer> {
    if (request.method !== 'GET') {
      this.#changed(request)
      return await ask(request)
    }
    if (request.isPage === true) return await this.#load(request, ask)
    const preload = this.#preloads.get(request.target.url)
    return (preload === undefined ? undefined : await this.#use(preload, request)) ?? await ask(request)
  }

  close (): void {
    for (const preload of [...this.#preloads.values()]) this.#drop(preload)
  }

  async #load (request: SiteRequest, ask: (request: SiteRequest) => Promise<Answer>): Promise<Answer> {
    const { url, host } = request.target
    const { gate, now } = this.#options
    for (const preload of [...this.#preloads.values()]) if (preload.page.asked.url === url) this.#drop(preload)
    const left = Math.floor(MAX_OF_PAGE * (gate?.part(now(), host) ?? 1))
    const page = (received: Fields): Page => ({
      asked: { url, headers: request.fields, received }, site: host, seen: new Set([url]), sites: new Set(), styles: undefined, left
    })
    const early = page([])
    const interim: SiteRequest['interim'] = (status, reason, fields) => {
      this.#links(early, fields)
      request.interim?.(status, reason, fields)
    }
    const answer = await ask({ ...request, interim })
    // Its exit sends by itself what it needs.
    if (answer.trace?.promised !== undefined) return answer
    const loaded = { ...page(answer.fields), seen: early.seen, left: early.left }
    this.#links(loaded, answer.fields)
    const found = (references: readonly Reference[]): void => this.#found(loaded, url, references)
    return tapped(url, answer, { found, styles: styles => { loaded.styles = styles } })
  }

  #links (page: Page, fields: Fields): void {
    const links = new References(page.asked.url)
    readLinkFields(valuesOf(fields, 'link'), links)
    this.#found(page, page.asked.url, links.sorted)
  }

  #found (page: Page, by: string, references: readonly Reference[]): void {
    for (const reference of references) {
      if (page.seen.has(reference.url)) continue
      page.seen.add(reference.url)
      if (mayNeed(page.asked.url, reference.url)) this.#begin(page, by, reference)
      else this.#lookUp(page, reference.url)
    }
  }

  /** Another site of I2P is never asked before its time; that it is found takes as long as an answer. */
  #lookUp (page: Page, url: string): void {
    const host = parseUrl(url)?.hostname ?? ''
    if (!host.endsWith('.i2p') || page.sites.has(host) || page.sites.size >= MAX_SITES) return
    page.sites.add(host)
    const target = targetOf(url)
    if (target !== undefined) this.#options.lookUp(target)
  }

  #begin (page: Page, by: string, reference: Reference): void {
    if (page.left <= 0 || this.#preloads.size >= MAX_PRELOADS || this.#preloads.has(reference.url)) return
    const target = targetOf(reference.url)
    if (target === undefined || isPrivateHost(target.host)) return
    page.left--
    const abort = new AbortController()
    const fields = fieldsFor(page.asked, reference, this.#options.now())
    const request: SiteRequest = { method: 'GET', target, fields, signal: abort.signal, referer: page.asked.url }
    const timer = setTimeout(() => this.#drop(preload), LIFE)
    timer.unref()
    const preload: Preload = { page, request, by, answer: this.#ask(page, request), abort, timer, isLate: reference.kind === 'late-style' }
    this.#preloads.set(reference.url, preload)
  }

  async #ask (page: Page, request: SiteRequest): Promise<Answer | undefined> {
    const { ask, isKept, gate } = this.#options
    try {
      if (await isKept(request)) return undefined
      const answer = await ask(request)
      gate?.pushed(page.site, sizeOf(answer))
      return answer
    } catch {
      return undefined
    }
  }

  /** @returns undefined where it is no answer to this request */
  async #use (preload: Preload, request: SiteRequest): Promise<Answer | undefined> {
    const { page, by } = preload
    if (!isReferredBy(request.referer, [page.asked.url, by])) return undefined
    this.#preloads.delete(request.target.url)
    clearTimeout(preload.timer)
    const abort = (): void => { preload.abort.abort(request.signal.reason) }
    request.signal.addEventListener('abort', abort, { once: true })
    const answer = await preload.answer
    if (request.signal.aborted) abort()
    if (answer === undefined) return undefined
    const asked = { url: request.target.url, fields: fieldsOf(request.fields), referer: request.referer, isPage: false }
    if (!isAnswerTo(asked, { url: preload.request.target.url, headers: preload.request.fields }, answer.status, answer.fields)) {
      preload.abort.abort()
      destroyBody(answer)
      return undefined
    }
    this.#options.gate?.used(page.site, sizeOf(answer))
    if (preload.isLate) return answer
    return tapped(asked.url, answer, { found: references => this.#found(page, asked.url, references) }, page.styles)
  }

  #changed ({ method, target }: SiteRequest): void {
    if (method === 'HEAD' || method === 'OPTIONS') return
    for (const preload of [...this.#preloads.values()]) if (preload.request.target.authority === target.authority) this.#drop(preload)
  }

  #drop (preload: Preload): void {
    clearTimeout(preload.timer)
    if (this.#preloads.get(preload.request.target.url) === preload) this.#preloads.delete(preload.request.target.url)
    preload.abort.abort(new Error('nobody asked for it'))
    preload.answer.then(answer => { if (answer !== undefined) destroyBody(answer) }, () => {})
  }
}

/** Undefined for an address that the proxy would refuse: whoever wrote the page chose it. */
function targetOf (url: string): Target | undefined {
  try {
    return parseTarget(url)
  } catch (error) {
    if (error instanceof ProxyError) return undefined
    throw error
  }
}

function sizeOf ({ body, fields }: Answer): number {
  return Buffer.isBuffer(body) ? body.length : Number(valueOf(fields, 'content-length') ?? UNKNOWN) || UNKNOWN
}
