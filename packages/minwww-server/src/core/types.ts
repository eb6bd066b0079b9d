import type { Destination, PROTOCOL } from '@minwww/i2cp/codec'
import type { PushGrant } from '@minwww/protocol'

/** One I2CP payload to hand to the session. */
export interface Outgoing {
  /** Always 0: an exit has one Destination. */
  source: number
  to: Destination
  protocol: typeof PROTOCOL.RAW
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

/** Fetch this, and call `respond` or `fail` before the deadline. */
export interface FetchEvent {
  type: 'fetch'
  handle: number
  /** HTTP request, decoded. */
  message: Buffer
  from: Destination
  /** ms on the core's clock. */
  deadline: number
  /** What a stream calls the rest of the answer by. */
  name: RequestName
  /** Bytes of an object that leave at once, or about. */
  atOnce: number
  /** The client may be sent more than it asked for. */
  push?: PushGrant
}

export type ServerEvent =
  | FetchEvent
  /** Nobody waits for this handle any more: a later `respond` is ignored, and so is the rest of a beginning. */
  | { type: 'cancelled', handle: number }

/** Something that was promised: its id, and the handle by which it is answered. */
export interface PromisedPush { readonly id: number, readonly handle: number }

/** Session and token (hex) and id: unique at this exit, and known to nobody but the client. */
export type RequestName = { readonly session: string, readonly id: number } | { readonly token: string }

/** What goes with an ERROR; retryAfter in seconds, size in bytes of the full response, 0 unknown. */
export interface FailureFacts {
  retryAfter?: number
  size?: number
  detail?: string
}

/** Counters since the start. None of the refused kinds costs more than is said in docs/security. */
export interface ServerStats {
  opens: number
  requests: number
  probes: number
  wants: number
  fetches: number
  replies: number
  /** Resources that clients were told to expect, that were sent to them, and the bytes of these. */
  promises: number
  pushes: number
  pushedBytes: number
  /** Of what was promised: given up by the client before all of it had left. */
  pushesCancelled: number
  /** Answers of which only the beginning went out as messages. */
  beginnings: number
  /** Times that a client was told that its request is being worked on. */
  workings: number
  errors: number
  symbols: number
  /** Bytes of payload handed over. */
  bytesSent: number
  /** Answers repeated from the cache. */
  repeats: number
  /** Same or lower attempt of something known. */
  duplicates: number
  /** Not decodable, wrong version, type, session id or time. */
  malformed: number
  badTags: number
  badSignatures: number
  unknownSessions: number
  /** OPENs seen before, and ids behind the window. */
  replayed: number
  /** OPENs from before the start. */
  early: number
  /** OPENs dropped because too many signatures were to be checked. */
  unchecked: number
  /** A session id that belongs to somebody else. */
  stolen: number
  /** Repetitions and repairs beyond the cap of a reply. */
  capped: number
  busy: number
  /** Sessions ended to make room. */
  evicted: number
  /** Tokens that came again under another session or id, that named an exit before this one, and that found no room. */
  tokensAgain: number
  tokensBefore: number
  tokensRefused: number
}

export function emptyStats (): ServerStats {
  return {
    opens: 0,
    requests: 0,
    probes: 0,
    wants: 0,
    fetches: 0,
    replies: 0,
    promises: 0,
    pushes: 0,
    pushedBytes: 0,
    pushesCancelled: 0,
    beginnings: 0,
    workings: 0,
    errors: 0,
    symbols: 0,
    bytesSent: 0,
    repeats: 0,
    duplicates: 0,
    malformed: 0,
    badTags: 0,
    badSignatures: 0,
    unknownSessions: 0,
    replayed: 0,
    early: 0,
    unchecked: 0,
    stolen: 0,
    capped: 0,
    busy: 0,
    evicted: 0,
    tokensAgain: 0,
    tokensBefore: 0,
    tokensRefused: 0
  }
}
