/** Every code an {@link I2cpError} can carry, with what it means for the caller. */
export const I2CP_ERRORS = {
  I2CP_MALFORMED: 'bytes that do not follow the specification',
  I2CP_FRAME_TOO_LARGE: 'an I2CP frame above the bound; the connection is given up',
  I2CP_PAYLOAD_TOO_LARGE: 'a payload above MAX_PAYLOAD, or one that inflates beyond its bound',
  I2CP_UNKNOWN_MESSAGE: 'a message type that this library does not know',
  I2CP_BAD_SIGNATURE: 'a signature that does not verify',
  I2CP_UNSUPPORTED: 'a key, signature or LeaseSet type that this library does not carry',
  I2CP_BAD_OPTION: 'an option with a value outside its documented range',
  I2CP_BAD_ADDRESS: 'a name or address that cannot be parsed',
  I2CP_BAD_KEYS: 'a key file that is damaged or does not belong together',
  I2CP_INSECURE: 'plain TCP to a router that is not on this machine, without allowPlainRemote',
  I2CP_CONNECT_FAILED: 'no connection to the router',
  I2CP_TLS_PIN_MISMATCH: 'the router showed another certificate than the pinned one',
  I2CP_DISCONNECTED: 'the connection to the router ended, or the router sent Disconnect',
  I2CP_PROTOCOL: 'the router broke the protocol (wrong order, wrong session)',
  I2CP_SESSION_REFUSED: 'the router refused the session, and did so again on new connections (SessionStatus Refused)',
  I2CP_SESSION_INVALID: 'the router called the session configuration invalid, or the Destination has one (SessionStatus Invalid)',
  I2CP_SESSION_DESTROYED: 'the router destroyed the session',
  I2CP_SESSION_CLOSED: 'the session has been closed',
  I2CP_TIMEOUT: 'the router did not answer in time',
  I2CP_LOOKUP_FAILED: 'the router does not know the name or found no LeaseSet',
  I2CP_LOOKUP_PASSWORD_REQUIRED: 'the encrypted LeaseSet needs a lookup password, a private key, or both',
  I2CP_LOOKUP_DECRYPTION_FAILED: 'the encrypted LeaseSet could not be decrypted with what was given',
  I2CP_LOOKUP_UNSUPPORTED: 'the router does not carry this lookup type',
  I2CP_BUSY: 'a bound was reached (pending look-ups, queued work)',
  I2CP_ABORTED: 'the caller gave up (AbortSignal)'
} as const

export type I2cpErrorCode = keyof typeof I2CP_ERRORS

/** The one error class of this package. Match on `code`, never on the message. */
export class I2cpError extends Error {
  readonly code: I2cpErrorCode

  constructor (code: I2cpErrorCode, message: string = I2CP_ERRORS[code], options?: ErrorOptions) {
    super(message, options)
    this.name = 'I2cpError'
    this.code = code
  }
}

export function malformed (what: string): I2cpError {
  return new I2cpError('I2CP_MALFORMED', what)
}
