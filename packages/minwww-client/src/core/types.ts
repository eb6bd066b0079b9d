import type { Destination, PROTOCOL } from '@minwww/i2cp/codec'
import type { FailureCode } from './failures.ts'

/** I2CP protocol of a message: Datagram2 for an OPEN, raw for everything else (docs/reference/protocol.md, section 2). */
export type MessageProtocol = typeof PROTOCOL.RAW | typeof PROTOCOL.DATAGRAM2

/** One I2CP payload to hand to a session. The driver wraps it in the gzip container with these ports and protocol. */
export interface Outgoing {
  /** Which of the client's own Destinations sends it: index into the `keys` given to the core. */
  source: number
  to: Destination
  protocol: MessageProtocol
  fromPort: number
  toPort: number
  payload: Buffer
  /** Epoch ms of the core's clock after which the router may drop the message. */
  expires: number
}

/** One received I2CP payload, container already removed. */
export interface Incoming {
  protocol: number
  fromPort: number
  toPort: number
  payload: Buffer
}

/** What the HTTP front asks of the core. */
export interface RequestOptions {
  /** HTTP/1.1 request in absolute-form, identity coding. */
  message: Buffer
  /** Host the request is for: the key of sticky exits. */
  site: string
  /** GET, HEAD and the like. Anything else stays with the exit that got it first, which carries it out at most once. */
  idempotent: boolean
  /** Total deadline in ms; default `ClientConfig.deadline`. */
  timeout?: number
  /** A person looks at the window meanwhile: given up early where all exits are silent, so that a page can say so. */
  isPage?: boolean
  /** The browser's Referer, whatever is said of it to the site: which page needs this. */
  referer?: string
  /** What has come of an answer that takes a while is handed on at once, in `part` events. */
  mayArrive?: boolean
  /** A site's own MinWWW exit, used instead of the pool. */
  destination?: Destination
}

/** What one request cost. Times in ms, sizes in bytes of I2CP payload. */
export interface RequestTrace {
  /** OPEN, REQUEST, BODY and WANT rounds, copies not counted. */
  attempts: number
  messagesSent: number
  messagesReceived: number
  /** Symbols received, duplicates included. */
  symbols: number
  bytesSent: number
  bytesReceived: number
  /** 1 KB tunnel messages of everything sent and received for it. */
  tunnelMessages: number
  firstSymbol?: number
  total: number
  /** A WANT was needed. */
  repaired: boolean
  /** Sent to a second exit before the first had failed. */
  hedged: boolean
  /** Resources that the exit sends with it. */
  promised?: number
  /** The exit had sent it before it was asked for. */
  pushed?: true
}

export type ExitState = 'new' | 'probing' | 'ready' | 'busy' | 'draining' | 'probation' | 'down'

export interface ExitStatus {
  id: string
  destination: Destination
  state: ExitState
  /** Own Destination that it is asked from first. */
  source?: number
  /** Those from which it was asked, and not heard since it was away. */
  deafTo?: readonly number[]
  /** Smoothed round trip and its variation in ms, once measured. */
  srtt?: number
  rttvar?: number
  /** Tunnel-message loss, 0 to 1, as reported to the exit. */
  loss: number
  /** Rate granted to the exit, bytes/s. */
  rate: number
  /** Largest symbol allowed, tunnel messages. */
  shape: number
  /** Smoothed time without transmission plus penalties in ms: what `ranked` sorts by. */
  score?: number
  successes: number
  failures: number
  /** Announced and not yet received, bytes. */
  inFlight: number
  waiting: number
  /** Epoch ms since when nothing has come of anything, probes included, for longer than losses explain; and the last such try. */
  silentSince?: number
  triedAt?: number
  /** Epoch ms until when it asked to be left alone. */
  busyUntil?: number
  /** It has said what makes a request one that is carried out at most once. */
  takesOnce?: boolean
}

/** `size` is that of the response, bytes; `retryAfter` is in s. */
export interface FailedEvent {
  type: 'failed'
  handle: number
  code: FailureCode
  detail: string
  size?: number
  retryAfter?: number
  exit?: string
  trace: RequestTrace
}

/**
 * What a stream to the exit's port 80 calls the rest of an answer by, from the own Destination `source`, whose session it is
 * (hex), or by its token (hex); docs/reference/protocol.md, section 9.
 */
export interface RestName {
  readonly exit: Destination
  readonly source: number
  readonly session: string
  readonly id: number
  readonly token?: string
}

export type ClientEvent =
  /** With `rest` the message is a beginning only. After `part` events it is the same message, whole. */
  | { type: 'response', handle: number, message: Buffer, exit: string, trace: RequestTrace, rest?: RestName }
  /**
   * The next bytes of the coded object of an answer that is not whole yet; with `rest` it is a beginning. The `response` or
   * `failed` that ends it follows.
   */
  | { type: 'part', handle: number, bytes: Buffer, exit: string, trace: RequestTrace, rest?: RestName }
  /** The first symbol of a beginning came: its stream may be opened. Once for each exit that answers so. */
  | { type: 'begins', handle: number, rest: RestName }
  | FailedEvent
  | { type: 'exit-state', exit: string, state: ExitState }

/** Counters of everything odd that came from the network. None of it changes a page. */
export interface ClientStats {
  requests: number
  responses: number
  failures: number
  messagesSent: number
  messagesReceived: number
  wants: number
  retries: number
  hedges: number
  /** Not decodable, wrong version or type. */
  malformed: number
  /** A known session's message with a wrong tag. */
  badTags: number
  unknownSessions: number
  /** Times that an exit said that it works on a request. */
  workings: number
  /** Resources that exits have promised, that they have pushed, the bytes of these as they came, and how many were used. */
  promises: number
  pushes: number
  pushedBytes: number
  usedPushes: number
  /** Symbols and objects that nobody allowed, or that are not what was promised. */
  refusedPushes: number
  /** Symbols after the page was complete, or of a request that is over. */
  late: number
  duplicates: number
  /** Symbols that contradict what the same burst said before, or are out of bounds. */
  inconsistent: number
  /** Objects that did not decode to an HTTP response. */
  badObjects: number
}
