import { DEFAULT_SANITIZE, type SanitizeOptions } from './request-fields.ts'

/** How long each phase may take, ms. */
export interface Timeouts {
  /** A request's head, from its first byte on. Default 15,000. */
  head: number
  /** A whole request with its body. Default 21,600,000, six hours: uploads go as fast as a tunnel does. */
  upload: number
  /** A browser's idle connection. Default 120,000. */
  keepAlive: number
  /**
   * Until the head of an answer over a stream, from the last part of the request's body on: long polling takes minutes.
   * Default 300,000.
   */
  answer: number
  /**
   * Without a byte of an answer's body that has begun, be it the site that is silent or the browser that does not read.
   * Default 3,600,000.
   */
  silence: number
  /** Without a byte in either direction of a tunnel: CONNECT or a WebSocket. Default 3,600,000. */
  tunnel: number
}

/** What holds for every request, with what is not said filled in. */
export interface Settings {
  /** Total deadline of a request by messages, and until a stream stands for one by stream, ms. Default 60,000. */
  timeout: number
  /** Ports that CONNECT opens on the clear web. Default `any`: each exit has its own list. */
  connectPorts: readonly number[] | 'any'
  /** CONNECT is answered when the exit has answered it, and not at once. Default false. */
  honestConnect: boolean
  /** `refuse` answers literal private addresses here; `exit` (default) leaves that to the exit, which always checks. */
  privateAddresses: 'refuse' | 'exit'
  /** Only sites of I2P: nothing ever goes to an exit. Default false. */
  i2pOnly: boolean
  /** Browser connections at a time. Default 1,024; more are closed. */
  maxConnections: number
  /** Requests at a time. Default 512; more get 503. */
  maxInFlight: number
  /** Largest request body that goes over a stream, bytes. Default 1 GiB. */
  maxBody: number
  timeouts: Timeouts
  sanitize: SanitizeOptions
}

export const DEFAULT_TIMEOUTS: Timeouts = {
  head: 15_000, upload: 21_600_000, keepAlive: 120_000, answer: 300_000, silence: 3_600_000, tunnel: 3_600_000
}

export const DEFAULT_SETTINGS: Settings = {
  timeout: 60_000,
  timeouts: DEFAULT_TIMEOUTS,
  connectPorts: 'any',
  honestConnect: false,
  privateAddresses: 'exit',
  i2pOnly: false,
  maxConnections: 1_024,
  maxInFlight: 512,
  maxBody: 1_073_741_824,
  sanitize: DEFAULT_SANITIZE
}
