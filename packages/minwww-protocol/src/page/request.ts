import type { HeaderList } from '../http.ts'
import { parseUrl } from '../parse-url.ts'
import { cookieAfter } from './cookies.ts'
import type { Kind, Reference } from './references.ts'

/** What every browser's requests say after a proxy has made them alike. */
export const ACCEPT_HTML = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'
export const ACCEPT_IMAGE = 'image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5'
export const ACCEPT_STYLE = 'text/css,*/*;q=0.1'

const ACCEPT: Readonly<Record<Kind, string>> = {
  document: ACCEPT_HTML,
  style: ACCEPT_STYLE,
  'late-style': ACCEPT_STYLE,
  image: ACCEPT_IMAGE,
  other: ACCEPT_IMAGE,
  script: '*/*',
  font: '*/*'
}

/** A page that was asked for, and what was said. */
export interface AskedPage {
  readonly url: string
  /** Of the request. */
  readonly headers: HeaderList
  /** Of the response. */
  readonly received: HeaderList
}

/** True if a page may have its resource fetched ahead of its browser: a site of I2P only what is its own. */
export function mayNeed (page: string, url: string): boolean {
  const from = parseUrl(page)
  const to = parseUrl(url)
  if (from === undefined || to?.protocol !== 'http:' || from.protocol !== 'http:') return false
  return from.host === to.host || !(isOfI2p(from.hostname) || isOfI2p(to.hostname))
}

/** True if an exit may send it with a page: for another site another exit may be asked, which this one must not answer for. */
export function mayPush (page: string, url: string): boolean {
  return mayNeed(page, url) && parseUrl(page)?.host === parseUrl(url)?.host
}

const isOfI2p = (host: string): boolean => host.replace(/\.$/, '').endsWith('.i2p')

/** The fields with which a browser will ask for a resource of a page, as far as they can be foreseen. */
export function fieldsFor (page: AskedPage, { url, kind }: Reference, now: number): HeaderList {
  const from = new URL(page.url)
  const to = new URL(url)
  const isOwn = from.host === to.host
  const of = (name: string): string | undefined => page.headers.find(([key]) => key.toLowerCase() === name)?.[1]
  const policy = page.received.find(([key]) => key.toLowerCase() === 'referrer-policy')?.[1] ?? ''
  const set = page.received.flatMap(([key, value]) => key.toLowerCase() === 'set-cookie' ? [value] : [])
  const cookie = isOwn ? cookieAfter(of('cookie'), set, from, to, now) : undefined
  const fields: Array<[string, string | undefined]> = [
    ['Host', to.host],
    ['User-Agent', of('user-agent')],
    ['Accept', ACCEPT[kind]],
    ['Accept-Language', of('accept-language')],
    ['Accept-Encoding', of('accept-encoding')],
    ['Referer', isOwn && !/no-referrer\s*$/i.test(policy) ? page.url : undefined],
    ['Authorization', isOwn ? of('authorization') : undefined],
    ['Cookie', cookie]
  ]
  return fields.filter((field): field is [string, string] => field[1] !== undefined)
}
