/** An inbound or outbound tunnel. */
export interface Tunnel {
  /** As in a lease. */
  readonly id: number
  /** ms */
  readonly expires: number
}
