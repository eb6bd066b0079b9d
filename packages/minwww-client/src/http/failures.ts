/**
 * Every way in which the proxy can fail a request: one table from a stable code to the HTTP status, the words of the
 * error page and what the reader may try. `docs/reference/errors.md` is written from it.
 */
export interface FailureKind {
  /** HTTP status of the answer to the browser. */
  readonly status: number
  readonly title: string
  /** What happened, in the reader's words. */
  readonly what: string
  /** What to try. */
  readonly advice: string
  /** Seconds for Retry-After, where a repeat is likely to work. */
  readonly retryAfter?: number
}

const kind = (status: number, title: string, what: string, advice: string, retryAfter?: number): FailureKind =>
  retryAfter === undefined ? { status, title, what, advice } : { status, title, what, advice, retryAfter }

export const FAILURES = {
  MINWWW_BAD_REQUEST: kind(400, 'Bad request', 'The request does not follow the rules of HTTP, so it was not sent on.',
    'If a program made this request, it needs to be repaired. If you typed an address, check it.'),
  MINWWW_SCHEME: kind(400, 'Unsupported kind of address', 'Only http addresses can be asked for in this way.',
    'For https, set this proxy as the HTTPS proxy too: the browser then opens a tunnel (CONNECT).'),
  MINWWW_BAD_HOST: kind(400, 'Invalid host name', 'The host in the address is not a name, an IP address or an I2P Destination.',
    'Check the spelling. A b32 address has 52 letters and digits before .b32.i2p; a longer one belongs to an encrypted LeaseSet.'),
  MINWWW_SIGN_IN: kind(401, 'Sign in', 'The pages of this proxy ask for a user name and a password.',
    'Enter the name and the password that the operator of the proxy gave you.'),
  MINWWW_FORBIDDEN: kind(403, 'Not allowed', 'This page of the proxy can only be used from its own address.',
    'Open the address of the proxy itself, or http://minwww.i2p/ through it.'),
  MINWWW_PORT_FORBIDDEN: kind(403, 'Port not allowed', 'This proxy does not open tunnels to that port.',
    'The allowed ports are an option of the proxy.'),
  MINWWW_PRIVATE_ADDRESS: kind(403, 'Private address', 'The address belongs to a private or local network, which no exit may reach.',
    'Take local addresses out of the browser\'s proxy settings.'),
  MINWWW_I2P_ONLY: kind(403, 'Not a site of I2P', 'This proxy opens sites of I2P only. Nothing was sent anywhere.',
    'A proxy without --i2p-only, and with an exit, opens pages of the web.'),
  MINWWW_POLICY: kind(403, 'Refused by the exit', 'The exit refuses this request by its policy.',
    'Another exit may have another policy. No exit fetches local and private addresses.'),
  MINWWW_NOT_FOUND: kind(404, 'No such page', 'The proxy has no page of this name.', 'Start at http://minwww.i2p/.'),
  MINWWW_METHOD: kind(405, 'Method not allowed', 'This method is not passed on, or not supported by this page.',
    'The pages of the proxy begin at http://minwww.i2p/.'),
  MINWWW_AUTH_REQUIRED: kind(407, 'Sign in to the proxy', 'This proxy asks for a user name and a password.',
    'Enter the name and the password that the operator of the proxy gave you.'),
  MINWWW_REQUEST_TIMEOUT: kind(408, 'Request too slow', 'The request did not arrive completely in time.', 'Try again.'),
  MINWWW_NEW_NAME: kind(409, 'New name', 'The link brings its own Destination for a name that this proxy does not know yet.',
    'Nothing has been saved. Look at the name and decide.'),
  MINWWW_NAME_CONFLICT: kind(409, 'Name conflict', 'The link brings another Destination than the one this proxy knows under that name.',
    'One of the two is not what it claims to be. Nothing has been changed.'),
  MINWWW_BODY_TOO_LARGE: kind(413, 'Request too large', 'The body of the request is larger than this proxy takes.', 'Send less at a time.'),
  MINWWW_URI_TOO_LONG: kind(414, 'Address too long', 'The address is longer than 8 KB.', 'Shorten the address.'),
  MINWWW_EXPECTATION: kind(417, 'Expectation failed', 'The request expects something that this proxy cannot do.',
    'Send it without the Expect field.'),
  MINWWW_MISDIRECTED: kind(421, 'Misdirected request', 'The request names a host that this address does not serve.',
    'Set the address as a proxy in the browser, or open it under its own name.'),
  MINWWW_TOO_MANY: kind(429, 'Too many requests', 'There were too many wrong attempts from this address.', 'Wait a minute.', 60),
  MINWWW_FIELDS_TOO_LARGE: kind(431, 'Request fields too large',
    'The request has more than 64 fields, a field over 8 KB, or more than 32 KB of fields.',
    'Clear the cookies of the site.'),
  MINWWW_LEGAL: kind(451, 'Unavailable for legal reasons', 'The exit may not fetch this address where it stands.', 'Another exit may.'),
  MINWWW_INTERNAL: kind(500, 'Fault in the proxy', 'The proxy made a mistake with this request.',
    'The log has the details. Please report it.'),
  MINWWW_UNKNOWN_METHOD: kind(501, 'Unknown method', 'This proxy does not know the method of the request.',
    'It passes on the methods that are registered for HTTP, WebDAV and CalDAV.'),
  MINWWW_NOT_IMPLEMENTED: kind(501, 'Not possible here', 'This kind of request needs the streaming path, which is not available.',
    'Start the proxy with streaming.'),
  MINWWW_NAME_NOT_RESOLVED: kind(502, 'Host not found', 'Neither this proxy, nor the router, nor the exit knows the name.',
    'Check the spelling. For an .i2p name, a jump service answers with a link that brings its Destination.'),
  MINWWW_SITE_OFFLINE: kind(502, 'Site offline', 'The address is right, but the site behind it cannot be found in the network now.',
    'Its server may be off, or has just been started. Try again later.'),
  MINWWW_CONNECTION_FAILED: kind(502, 'Site not reachable', 'The site did not accept a connection.',
    'The site may be down. Try again later.'),
  MINWWW_BAD_UPSTREAM: kind(502, 'Invalid answer', 'The answer of the site does not follow the rules of HTTP.', 'Try again later.'),
  MINWWW_OUTCOME_UNKNOWN: kind(502, 'Perhaps done, perhaps not',
    'The exit was restarted, or has lost the answer. The site may have done what you asked for, or may never have heard of it.',
    'Look at the site before you send it again.'),
  MINWWW_RESPONSE_TOO_LARGE: kind(502, 'Response too large',
    'The response is larger than 128 KiB, the most that messages carry, and the streaming path is not available.',
    'Start the proxy and the exit with streaming.'),
  MINWWW_NO_EXIT: kind(503, 'No exit', 'No exit takes requests now.', 'The console shows how the exits are. Add one there.', 30),
  MINWWW_NO_ROUTER: kind(503, 'Router not reachable', 'The proxy has no connection to its I2P router.',
    'Start the router, or wait until it is back: this page reloads itself, and goes on when tunnels are built.', 3),
  MINWWW_NOT_READY: kind(503, 'Getting ready', 'The I2P router is still building tunnels for this proxy.', 'This page reloads itself.', 3),
  MINWWW_BUSY: kind(503, 'Exits busy', 'The exits have too much to do at the moment.', 'Try again in a moment.', 10),
  MINWWW_OVERLOADED: kind(503, 'Proxy busy', 'Too many requests are in flight in this proxy.', 'Try again in a moment.', 5),
  MINWWW_TIMEOUT: kind(504, 'No answer', 'No exit answered in time.', 'Try again. The console shows how the exits are.'),
  MINWWW_UNANSWERED: kind(504, 'Perhaps done, perhaps not',
    'The exit did not answer in time. The site may have done what you asked for, or may never have heard of it. No other exit was asked.',
    'Look at the site before you send it again. The console shows how the exits are.'),
  MINWWW_EXIT_SILENT: kind(504, 'No exit answers',
    'Every exit of this proxy has been silent for some time, and was again when it was asked for this page.',
    'An exit may be switched off, or cut off from the network. Each new request asks it again; the console shows how the exits are.'),
  MINWWW_UPSTREAM_TIMEOUT: kind(504, 'Site too slow', 'The exit was reached, the site behind it did not answer in time.',
    'Try again later.'),
  MINWWW_LOOP: kind(508, 'Loop', 'The address leads back to this proxy.',
    'Take the address of the proxy out of the list of sites that go through it.')
} as const satisfies Record<string, FailureKind>

export type FailureCode = keyof typeof FAILURES

export interface FailureExtra {
  retryAfter?: number | undefined
  links?: ReadonlyArray<readonly [string, string]>
  goTo?: string
  /** s */
  reload?: number | undefined
  cause?: unknown
}

/** A request that ends in an error page. `detail` may contain text from the network: it is escaped where it is shown. */
export class ProxyError extends Error {
  override readonly name = 'ProxyError'
  readonly code: FailureCode
  readonly detail: string | undefined
  /** Seconds, overrides the table's. */
  readonly retryAfter: number | undefined
  /** Links shown on the page, such as jump services: text and address. */
  readonly links: ReadonlyArray<readonly [string, string]>
  /** A page of the proxy's own that the browser goes on to at once. */
  readonly goTo: string | undefined
  /** Seconds after which the page loads itself again. */
  readonly reload: number | undefined

  constructor (code: FailureCode, detail?: string, extra: FailureExtra = {}) {
    super(detail === undefined ? code : `${code}: ${detail}`, extra.cause === undefined ? undefined : { cause: extra.cause })
    this.code = code
    this.detail = detail
    this.retryAfter = extra.retryAfter
    this.links = extra.links ?? []
    this.goTo = extra.goTo
    this.reload = extra.reload
  }

  get kind (): FailureKind { return FAILURES[this.code] }
}
