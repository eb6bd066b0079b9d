import { HOP_BY_HOP } from '@minwww/protocol'
import type { Field } from './http-types.ts'

/** Besides those that no object may have. */
const MORE_HOP_BY_HOP = new Set(['http2-settings', 'proxy-authentication-info'])

/**
 * Fields of a request that the exit writes itself, or that no honest client sends through it: claims about who asks,
 * `Proxy`, which CGI programs take for their proxy setting (httpoxy), and fields by which some frameworks take another
 * host or path than the one that was checked.
 */
const REBUILT = new Set([
  'host', 'content-length', 'accept-encoding', 'expect', 'proxy', 'via', 'forwarded', 'from', 'x-real-ip', 'client-ip', 'true-client-ip',
  'x-client-ip', 'x-cluster-client-ip', 'cf-connecting-ip', 'fastly-client-ip', 'x-host', 'x-http-host-override', 'x-original-host',
  'x-original-url', 'x-original-uri', 'x-rewrite-url', 'x-override-url'
])
const FORGED_PREFIXES = ['x-i2p-', 'x-forwarded-', 'proxy-', 'x-minwww-']
/** By these some frameworks take another method than that of the request line. */
const METHOD_OVERRIDES = new Set(['x-http-method', 'x-http-method-override', 'x-method-override'])

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/** RFC 9110 section 5.6.2. */
export function isToken (text: string): boolean {
  return TOKEN.test(text)
}

/** The values of every field of that name, in order; `name` in lower case. */
export function valuesOf (fields: readonly Field[], name: string): string[] {
  return fields.filter(field => field[0].toLowerCase() === name).map(field => field[1])
}

/** The members of a list field, in lower case: `Connection: a, B` is ['a', 'b']. */
export function listOf (fields: readonly Field[], name: string): string[] {
  const members = valuesOf(fields, name).flatMap(value => value.split(','))
  return members.map(member => member.trim().toLowerCase()).filter(member => member !== '')
}

/** Without hop-by-hop fields, those named in Connection among them. */
export function endToEnd (fields: readonly Field[]): Field[] {
  const named = new Set(listOf(fields, 'connection'))
  return fields.filter(([name]) => {
    const lower = name.toLowerCase()
    return !HOP_BY_HOP.has(lower) && !MORE_HOP_BY_HOP.has(lower) && !named.has(lower)
  })
}

/** The end-to-end fields of a request that may go upstream as they are. */
export function forwardable (fields: readonly Field[]): Field[] {
  return endToEnd(fields).filter(([name]) => {
    const plain = plainName(name)
    return !REBUILT.has(plain) && !FORGED_PREFIXES.some(prefix => plain.startsWith(prefix))
  })
}

/** The methods that a framework may take the request to have, besides that of the request line; upper case. */
export function overridingMethods (fields: readonly Field[]): string[] {
  return fields.filter(([name]) => METHOD_OVERRIDES.has(plainName(name))).map(([, value]) => value.trim().toUpperCase())
}

export function withoutFields (fields: readonly Field[], names: ReadonlySet<string>): Field[] {
  return fields.filter(([name]) => !names.has(name.toLowerCase()))
}

/** As a CGI program or WSGI server reads it: `X_I2P_DestB32` and `X-I2P-DestB32` are the same variable there. */
function plainName (name: string): string {
  return name.toLowerCase().replaceAll('_', '-')
}
