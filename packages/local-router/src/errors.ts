export type RouterErrorCode =
  | 'ROUTER_INVALID_OPTION' // an option is out of its range or of the wrong kind
  | 'ROUTER_CLOSED' // the router was closed
  | 'ROUTER_PROTOCOL_ERROR' // the client broke the protocol; its connection is closed

/** What this package throws; match on `code`. */
export class RouterError extends Error {
  override readonly name = 'RouterError'
  readonly code: RouterErrorCode

  constructor (code: RouterErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
