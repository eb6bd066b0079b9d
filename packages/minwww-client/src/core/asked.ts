import { parseRequest, ProtocolError, type HeaderList, type PushedObject } from '@minwww/protocol'

/** A GET as far as it decides which answer is one to it. */
export interface Asked {
  readonly url: string
  /** By name in lower case. */
  readonly fields: ReadonlyMap<string, string>
  /** The browser's own, which may say less than the address of a page, or nothing. */
  readonly referer: string | undefined
  /** It goes to a window: not what a page needs. */
  readonly isPage: boolean
}

/** Fields that may differ between what a browser asks and what an exit asked in its place, unless Vary names them. */
const FREE: ReadonlySet<string> = new Set([
  'accept', 'cache-control', 'if-modified-since', 'if-none-match', 'pragma', 'priority', 'referer', 'upgrade-insecure-requests'
])
/** Statuses that say something else to each request, or are for this connection. */
const NEVER: ReadonlySet<number> = new Set([206, 304, 401, 407, 412, 416])

/** Undefined for what is no plain GET. */
export function askedOf (message: Buffer, referer: string | undefined, isPage: boolean): Asked | undefined {
  try {
    const { method, url, headers, body } = parseRequest(message)
    return method === 'GET' && body.length === 0 ? { url, fields: fieldsOf(headers), referer, isPage } : undefined
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}

export function fieldsOf (headers: HeaderList): Map<string, string> {
  const fields = new Map<string, string>()
  for (const [name, value] of headers) {
    const key = name.toLowerCase()
    const before = fields.get(key)
    fields.set(key, before === undefined ? value : `${before}, ${value}`)
  }
  return fields
}

/**
 * Whether what an exit fetched in a browser's place is what the browser's own request would get: the same address, asked with the
 * same fields, but for those that say nothing of the answer.
 */
export function isAnswerTo (asked: Asked, pushed: Pick<PushedObject, 'url' | 'headers'>, status: number, received: HeaderList): boolean {
  if (asked.url !== pushed.url || status < 200 || NEVER.has(status)) return false
  const own = fieldsOf(pushed.headers)
  const varying = (fieldsOf(received).get('vary') ?? '').toLowerCase().split(',').map(name => name.trim()).filter(name => name !== '')
  if (varying.includes('*')) return false
  const names = new Set([...asked.fields.keys(), ...own.keys()])
  for (const name of names) {
    if (!FREE.has(name) && asked.fields.get(name) !== own.get(name) && !(name === 'origin' && isOwnOrigin(asked, own))) return false
  }
  return varying.every(name => asked.fields.get(name) === own.get(name))
}

/** Chromium says it of fonts, and others do not: that a page asks for something of its own site, as whoever pushes it supposes. */
function isOwnOrigin ({ url, fields }: Asked, pushed: ReadonlyMap<string, string>): boolean {
  return !pushed.has('origin') && fields.get('origin') === originOf(url)
}

/** True for a referer that is one of these addresses, or their site where the browser says no more. */
export function isReferredBy (referer: string | undefined, addresses: ReadonlyArray<string | undefined>): boolean {
  if (referer === undefined) return true
  const bare = referer.replace(/#.*$/s, '')
  return addresses.some(address => address !== undefined && (address === bare || siteOf(address) === bare))
}

const originOf = (url: string): string | undefined => /^https?:\/\/[^/?#]+/.exec(url)?.[0]
/** With the slash that a browser writes. */
const siteOf = (url: string): string | undefined => originOf(url)?.concat('/')
