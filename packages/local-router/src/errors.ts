export type RouterErrorCode =
  /** An option is out of its range or of the wrong kind. */
  | 'ROUTER_INVALID_OPTION'
  /** The router was closed. */
  | 'ROUTER_CLOSED'
  /** The client broke the protocol; its connection is closed. */
  | 'ROUTER_PROTOCOL_ERROR'

/** What this package throws; match on `code`. */
export class RouterError extends Error {
  override readonly name = 'RouterError'
  readonly code: RouterErrorCode

  constructor (code: RouterErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
