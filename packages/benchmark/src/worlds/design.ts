import type { Address } from '../fetch.ts'

/** A client that runs: where its browser connects to. */
export interface Client {
  readonly via: Address
  /** Keys of its Destinations in the router's trace. */
  readonly keys: string[]
  /** Process ids that work for this client alone. */
  readonly processes: number[]
  close (): Promise<void>
}

/** A way to bring a page through I2P. Its server side runs from the start; clients come and go. */
export interface Design {
  readonly design: string
  readonly label: string
  /** Its proxy keeps what caches may keep, so that a page whose pictures it has shows what no design can be faster than. */
  readonly isFloor?: boolean
  /** Process ids of its server side. */
  readonly processes: number[]
  /** A new client with a new Destination: nobody knows anything of the path yet. */
  openClient (): Promise<Client>
  close (): Promise<void>
}
