import { parseHttpDate } from '../http-date.ts'

/** Cookies that one response sets which are looked at. */
const MAX_COOKIES = 50

interface Cookie { name: string, value: string, path: string, isGone: boolean, isSecure: boolean }

/**
 * The Cookie field that a browser sends to `url`, on the page's host, after the page has set its cookies (RFC 6265, section 5).
 * @param cookie - what it sent for the page
 * @param set - Set-Cookie of the page
 */
export function cookieAfter (cookie: string | undefined, set: readonly string[], page: URL, url: URL, now: number): string | undefined {
  const pairs = new Map((cookie ?? '').split('; ').filter(pair => pair !== '').map(pair => [pair.split('=', 1)[0]!, pair]))
  for (const each of set.slice(0, MAX_COOKIES).map(text => readCookie(text, page, now))) {
    if (each === undefined || each.isSecure || !matches(each.path, url.pathname)) continue
    if (each.isGone) pairs.delete(each.name)
    else pairs.set(each.name, `${each.name}=${each.value}`)
  }
  return pairs.size === 0 ? undefined : [...pairs.values()].join('; ')
}

function readCookie (text: string, page: URL, now: number): Cookie | undefined {
  const [pair = '', ...attributes] = text.split(';').map(part => part.trim())
  const at = pair.indexOf('=')
  if (at < 1) return undefined
  const values = new Map(attributes.map(attribute => {
    const [name = '', ...value] = attribute.split('=')
    return [name.trim().toLowerCase(), value.join('=').trim()] as const
  }))
  const domain = values.get('domain')?.toLowerCase().replace(/^\./, '')
  if (domain !== undefined && domain !== '' && domain !== page.hostname && !page.hostname.endsWith(`.${domain}`)) return undefined
  const maxAge = values.get('max-age')
  const expires = parseHttpDate(values.get('expires') ?? '', now)
  const path = values.get('path') ?? ''
  return {
    name: pair.slice(0, at).trim(),
    value: pair.slice(at + 1).trim(),
    path: path.startsWith('/') ? path : page.pathname.slice(0, Math.max(1, page.pathname.lastIndexOf('/'))),
    isGone: maxAge !== undefined && /^-?\d+$/.test(maxAge) ? Number(maxAge) <= 0 : expires !== undefined && expires <= now,
    isSecure: values.has('secure')
  }
}

const matches = (path: string, of: string): boolean =>
  of === path || (of.startsWith(path) && (path.endsWith('/') || of[path.length] === '/'))
