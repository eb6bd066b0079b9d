import { connectionNames, type Fields } from './fields.ts'

/** Hop-by-hop, of the proxy's own hop, or instructions that would lead the browser around the proxy. */
export const REMOVED_FROM_RESPONSES = new RegExp(`^(?:${[
  'connection', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'proxy-.*', 'via', 'forwarded', 'x-forwarded-.*', 'alt-svc',
  'alt-used', 'nel', 'report-to', 'reporting-endpoints', 'expect-ct', 'public-key-pins(?:-report-only)?', 'accept-ch', 'accept-ch-lifetime',
  'critical-ch', 'x-minwww-.*', 'x-i2p-.*', 'strict-transport-security'
].join('|')})$`)

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
/** Most fields kept of a response. */
export const MAX_RESPONSE_FIELDS = 256

/** The browser's view of a response's fields. Several Set-Cookie stay several; invalid fields are dropped. */
export function filterResponseFields (received: Fields): Fields {
  const named = connectionNames(received)
  const kept: Fields = []
  for (const [name, value] of received) {
    const key = name.toLowerCase()

    if (!TOKEN.test(name) || /[^\t\x20-\x7e\x80-\xff]/.test(value)) continue
    if (REMOVED_FROM_RESPONSES.test(key) || (named.has(key) && key !== 'content-length')) continue
    if (key === 'set-cookie' && isCookieForAll(value)) continue
    if (key === 'www-authenticate' && /^(?:ntlm|negotiate)\b/i.test(value)) continue
    if (kept.length < MAX_RESPONSE_FIELDS) kept.push([name, value])
  }
  return kept
}

/** Longest domain of a cookie that is passed on, with dots around it. */
const MAX_DOMAIN = 260

/** Cookies for all of `i2p` or `b32.i2p` would go to every site there. */
function isCookieForAll (cookie: string): boolean {
  return cookie.split(';').slice(1).some(attribute => {
    const [name = '', ...value] = attribute.split('=')
    if (name.trim().toLowerCase() !== 'domain') return false
    const domain = value.join('=').trim().toLowerCase().replace(/^"|"$/g, '')
    // What is longer is no domain, whatever a browser makes of its dots.
    if (domain.length > MAX_DOMAIN) return true
    const bare = domain.replace(/^\.+|\.+$/g, '')
    return bare === 'i2p' || bare === 'b32.i2p'
  })
}
