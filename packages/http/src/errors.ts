/** Every code of this package, with what happened and what to do about it. */
export const I2P_ERRORS = {
  I2P_ABORTED: 'the caller gave up (AbortSignal)',
  I2P_BAD_ADDRESS: 'the host looks like an I2P address and is none: a b32 name has 52 characters before .b32.i2p, a b33 name 56 or more',
  I2P_BAD_OPTION: 'an option with a wrong value; the message says which values it takes',
  I2P_BROKEN: 'the stream broke before the answer was complete: ask again if asking twice does no harm',
  I2P_BUSY: 'a bound of this session is reached: wait until something is finished, or use fewer at a time',
  I2P_CLOSED: 'this session is closed: make another one with createI2p()',
  I2P_KEY_NEEDED: 'an encrypted LeaseSet that needs a password or a key: give it to the router, or to session.sendBlindingInfo()',
  I2P_MESSAGE_TOO_LARGE: 'a datagram is larger than its form allows: send less',
  I2P_NOT_I2P: 'the host is no I2P address, and is never asked of DNS from here: take another agent, dispatcher or fetch for it',
  I2P_NO_ROUTER: 'no session with the router: does it run, is I2CP switched on (i2pd: [i2cp] enabled = true), is the port right (7654)?',
  I2P_PORT_IN_USE: 'another server or socket of this session has that port: choose another, or close the other one',
  I2P_REFUSED: 'the other side refused the stream: nothing listens on that port there, or it does not let us in',
  I2P_TIMEOUT: 'no answer in time: the site may be offline or slow; ask again later, or set a longer time-out',
  I2P_UNKNOWN_NAME: 'the router does not know the name, or finds no LeaseSet: check it, add it to the address book, or use .b32.i2p',
  I2P_UNREACHABLE: 'the destination does not answer, or cannot be sent to: it is probably offline; try again later',
  I2P_UNSUPPORTED: 'a kind of key, or a look-up, that this library or the router does not carry; or a runtime that would ask DNS'
} as const

export type I2pErrorCode = keyof typeof I2P_ERRORS

/** The one error class of this package. Match on `code`, never on the message; `cause` is what it came from. */
export class I2pError extends Error {
  readonly code: I2pErrorCode
  /** The host that was asked for, if there was one. */
  readonly host: string | undefined

  constructor (code: I2pErrorCode, options: ErrorOptions & { host?: string, detail?: string } = {}) {
    const { host, detail, cause } = options
    const about = [host === undefined ? '' : shortened(host), detail ?? ''].filter(text => text !== '').join(': ')
    super(`${about === '' ? '' : `${about}: `}${I2P_ERRORS[code]}`, cause === undefined ? undefined : { cause })
    this.name = 'I2pError'
    this.code = code
    this.host = host
  }
}

/** What codes of the layers below, of undici and of node:http mean here. */
const CODES: Readonly<Record<string, I2pErrorCode>> = {
  I2CP_ABORTED: 'I2P_ABORTED',
  I2CP_BAD_ADDRESS: 'I2P_BAD_ADDRESS',
  I2CP_BAD_KEYS: 'I2P_BAD_OPTION',
  I2CP_BAD_OPTION: 'I2P_BAD_OPTION',
  I2CP_BUSY: 'I2P_BUSY',
  I2CP_CONNECT_FAILED: 'I2P_NO_ROUTER',
  I2CP_DISCONNECTED: 'I2P_NO_ROUTER',
  I2CP_INSECURE: 'I2P_BAD_OPTION',
  I2CP_LOOKUP_DECRYPTION_FAILED: 'I2P_KEY_NEEDED',
  I2CP_LOOKUP_FAILED: 'I2P_UNKNOWN_NAME',
  I2CP_LOOKUP_PASSWORD_REQUIRED: 'I2P_KEY_NEEDED',
  I2CP_LOOKUP_UNSUPPORTED: 'I2P_UNSUPPORTED',
  I2CP_MALFORMED: 'I2P_BAD_ADDRESS',
  I2CP_PAYLOAD_TOO_LARGE: 'I2P_MESSAGE_TOO_LARGE',
  I2CP_SESSION_CLOSED: 'I2P_CLOSED',
  I2CP_SESSION_DESTROYED: 'I2P_NO_ROUTER',
  I2CP_SESSION_INVALID: 'I2P_NO_ROUTER',
  I2CP_SESSION_REFUSED: 'I2P_NO_ROUTER',
  I2CP_TIMEOUT: 'I2P_TIMEOUT',
  I2CP_TLS_PIN_MISMATCH: 'I2P_NO_ROUTER',
  I2CP_UNSUPPORTED: 'I2P_UNSUPPORTED',
  STREAMING_ABORTED: 'I2P_ABORTED',
  STREAMING_BAD_OPTION: 'I2P_BAD_OPTION',
  STREAMING_CLOSED: 'I2P_CLOSED',
  STREAMING_CONNECT_TIMEOUT: 'I2P_UNREACHABLE',
  STREAMING_INACTIVE: 'I2P_BROKEN',
  STREAMING_PING_TIMEOUT: 'I2P_TIMEOUT',
  STREAMING_PORT_IN_USE: 'I2P_PORT_IN_USE',
  STREAMING_READ_TIMEOUT: 'I2P_TIMEOUT',
  STREAMING_REFUSED: 'I2P_REFUSED',
  STREAMING_RESET: 'I2P_BROKEN',
  STREAMING_TIMEOUT: 'I2P_BROKEN',
  STREAMING_TOO_MANY: 'I2P_BUSY',
  STREAMING_UNREACHABLE: 'I2P_UNREACHABLE',
  STREAMING_UNSUPPORTED: 'I2P_UNSUPPORTED',
  STREAMING_WRITE_TIMEOUT: 'I2P_TIMEOUT',
  UND_ERR_BODY_TIMEOUT: 'I2P_TIMEOUT',
  UND_ERR_CLOSED: 'I2P_CLOSED',
  UND_ERR_CONNECT_TIMEOUT: 'I2P_TIMEOUT',
  UND_ERR_DESTROYED: 'I2P_CLOSED',
  UND_ERR_HEADERS_TIMEOUT: 'I2P_TIMEOUT',
  UND_ERR_SOCKET: 'I2P_BROKEN',
  ECONNRESET: 'I2P_BROKEN',
  EPIPE: 'I2P_BROKEN'
}

/** The error of this package that says the same, or the error itself if there is none. Looks through `cause`. */
export function toI2pError (error: unknown, host?: string): unknown {
  for (let at = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth++) {
    if (at instanceof I2pError) return at
    const code = CODES[(at as { code?: string }).code ?? '']
    if (code === undefined) continue
    return new I2pError(code, { ...(host !== undefined && { host }), cause: error, detail: at.message })
  }
  return error
}

/** A base64 Destination would fill the screen. */
function shortened (host: string): string { return host.length <= 80 ? host : `${host.slice(0, 16)}…` }
