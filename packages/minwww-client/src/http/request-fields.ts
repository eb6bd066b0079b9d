import { ACCEPT_HTML, ACCEPT_IMAGE, ACCEPT_STYLE } from '@minwww/protocol/page'
import { connectionNames, valueOf, valuesOf, type Fields } from './fields.ts'
import { parseTarget, type Target } from './target.ts'

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/

export interface SanitizeOptions {
  /** User-Agent for the clear web. */
  userAgent: string
  /** User-Agent for .i2p hosts. */
  userAgentI2p: string
  /** Accept-Language for everybody, or `browser` to pass the browser's on. */
  acceptLanguage: string
  /** Names added to the allow-list, lower case. */
  allowFields: readonly string[]
}

export const DEFAULT_SANITIZE: SanitizeOptions = {
  userAgent: 'Mozilla/5.0 (Windows NT 10.0; rv:128.0) Gecko/20100101 Firefox/128.0',
  userAgentI2p: 'MYOB/6.66 (AN/ON)',
  acceptLanguage: 'en-US,en;q=0.5',
  allowFields: []
}

/** One value for everybody; what the browser itself cannot read is undone before it gets it. */
export const ACCEPT_ENCODING = 'gzip, br'

/** Fields that go on with the value that the browser sent. Everything that is not named here or below is dropped. */
export const PASSED: ReadonlySet<string> = new Set([
  'authorization', 'cache-control', 'content-disposition', 'content-encoding', 'content-language', 'content-location', 'content-range',
  'content-type',
  'cookie', 'if-match', 'if-modified-since', 'if-none-match', 'if-range', 'if-unmodified-since', 'last-event-id', 'origin', 'pragma',
  'prefer', 'range',
  'upgrade-insecure-requests',
  // set by a page's own scripts
  'access-control-request-headers', 'access-control-request-method', 'idempotency-key', 'soapaction', 'x-api-key', 'x-csrf-token',
  'x-csrftoken', 'x-http-method', 'x-http-method-override', 'x-method-override', 'x-xsrf-token', 'hx-request', 'hx-target', 'hx-trigger',
  'hx-trigger-name',
  'hx-current-url', 'hx-boosted', 'hx-prompt', 'turbo-frame', 'tus-resumable', 'upload-length', 'upload-metadata', 'upload-offset',
  'upload-checksum', 'upload-concat', 'upload-defer-length', 'x-auth-token', 'x-access-token', 'x-session-token', 'x-wp-nonce',
  'api-key', 'apikey',
  // WebDAV, CalDAV and CardDAV: RFC 4918, 3253, 4791, 6638, 5995, 7240; Microsoft's and ownCloud's additions
  'depth', 'destination', 'if', 'lock-token', 'overwrite', 'timeout', 'label', 'apply-to-redirect-ref', 'ordering-type', 'position',
  'schedule-reply',
  'if-schedule-tag-match', 'brief', 'translate', 'slug', 'ocs-apirequest', 'oc-checksum', 'oc-chunked', 'oc-chunk-size',
  'oc-total-length', 'oc-lazyops',
  'x-oc-mtime', 'x-oc-ctime',
  // digests and signatures: RFC 3230, 9530, 9421 and the drafts before it, which ActivityPub uses
  'content-digest', 'content-md5', 'digest', 'repr-digest', 'signature', 'signature-input', 'want-content-digest', 'want-digest',
  'want-repr-digest',
  // programs: Transmission, git and its forges, container registries, OData, gRPC-Web and Connect, MCP, media servers, webhooks
  'x-transmission-session-id', 'git-protocol', 'private-token', 'job-token', 'docker-content-digest', 'odata-version', 'odata-maxversion',
  'dataserviceversion', 'maxdataserviceversion', 'x-grpc-web', 'grpc-timeout', 'connect-protocol-version', 'connect-timeout-ms',
  'mcp-session-id',
  'mcp-protocol-version', 'x-emby-token', 'x-mediabrowser-token', 'x-plex-token', 'x-hub-signature', 'x-hub-signature-256',
  'x-github-event',
  'x-github-delivery', 'x-gitea-event', 'x-gitea-delivery', 'x-gitea-signature', 'x-gitlab-event', 'x-gitlab-token', 'webhook-id',
  'webhook-timestamp',
  'webhook-signature', 'docker-distribution-api-version'
])

/** Whole families: of storages that speak as Amazon's, Google's, Microsoft's and OpenStack's do. */
const PASSED_FAMILIES = /^x-(?:amz|goog|ms|object|container)-/

/** Never passed on, whatever the allow-list's additions say. */
const NEVER = new RegExp(
  `^(?:${[
    'via',
    'from',
    'max-forwards',
    'content-length',
    'forwarded',
    'x-forwarded-.*',
    'dnt',
    'sec-gpc',
    'proxy-.*',
    'connection',
    'keep-alive',
    'te',
    'trailer',
    'transfer-encoding',
    'upgrade',
    'host',
    'expect',
    'http2-settings',
    'x-real-ip',
    'client-ip',
    'true-client-ip',
    'x-client-ip'
  ].join('|')})$`
)

/** A name for `allowFields` in lower case. @throws RangeError */
export function allowedName (name: string): string {
  const key = name.trim().toLowerCase()
  if (!TOKEN.test(key)) throw new RangeError(`'${name}' is not the name of a field`)
  if (NEVER.test(key)) throw new RangeError(`the field ${name} is never passed on: it belongs to the connection, or tells who asks`)
  return key
}

/** The site's view of the request: fields rebuilt from the allow-list, in one fixed order, names in their usual writing. */
export function rebuildFields (received: Fields, target: Target, options: SanitizeOptions): Fields {
  const named = connectionNames(received)
  const usable = received.filter(([name]) => !named.has(name.toLowerCase()) && !NEVER.test(name.toLowerCase()))
  const ranged = valuesOf(usable, 'range').length > 0
  const fields: Fields = [
    ['Host', hostFor(target)],
    ['User-Agent', target.kind === 'web' ? options.userAgent : options.userAgentI2p],
    ['Accept', canonicalAccept(valueOf(usable, 'accept'))],
    ['Accept-Language', options.acceptLanguage === 'browser' ? valueOf(usable, 'accept-language') ?? '*' : options.acceptLanguage],
    // A range of a coded representation cannot be decoded.
    ['Accept-Encoding', ranged ? 'identity' : ACCEPT_ENCODING]
  ]
  const seen = new Set<string>()
  for (const [name] of usable) {
    const key = name.toLowerCase()
    if (seen.has(key)) continue
    seen.add(key)
    const value = passedValue(key, usable, target, options)
    if (value !== undefined) fields.push([canonicalName(key), value])
  }
  return fields
}

function passedValue (key: string, fields: Fields, target: Target, options: SanitizeOptions): string | undefined {
  const value = valueOf(fields, key) ?? ''
  switch (key) {
    case 'referer': return sameOriginReferer(value, target)
    case 'authorization': return /^(?:ntlm|negotiate)\b/i.test(value) ? undefined : value
    // Only what pages really send: a browser extension's value would tell people apart.
    case 'x-requested-with': return value.toLowerCase() === 'xmlhttprequest' ? 'XMLHttpRequest' : undefined
    // Programs sign it; nobody else sends it in a request.
    case 'date': return valuesOf(fields, 'signature').length > 0 || options.allowFields.includes(key) ? value : undefined
    default: return PASSED.has(key) || PASSED_FAMILIES.test(key) || options.allowFields.includes(key) ? value : undefined
  }
}

/** A base64 Destination is too long for a Host field and is in no server's configuration: its b32 form is set by the caller. */
const hostFor = (target: Target): string => target.authority

/** Without fragment and userinfo, and only to the same scheme, host and port. */
function sameOriginReferer (value: string, target: Target): string | undefined {
  try {
    const referer = parseTarget(value)
    return referer.authority === target.authority ? referer.url : undefined
  } catch {
    return undefined
  }
}

/** Three values for what browsers ask when they load a page; a script's own Accept is part of what it says to its site. */
export function canonicalAccept (value: string | undefined): string {
  const first = (value ?? '*/*').trim().toLowerCase()
  if (first.startsWith('text/html') || first.startsWith('application/xhtml')) return ACCEPT_HTML
  if (first.startsWith('image/')) return ACCEPT_IMAGE
  if (first.startsWith('text/css')) return ACCEPT_STYLE
  return value !== undefined && value.length <= 256 && value.trim() !== '' ? value : '*/*'
}

/** `if-none-match` to `If-None-Match`; the writing of the browser would be one more trait. */
const canonicalName = (key: string): string =>
  key.replace(/(^|-)([a-z])/g, (_, dash: string, letter: string) => dash + letter.toUpperCase())
