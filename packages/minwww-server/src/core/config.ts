import {
  DEPTH_TIME,
  INITIAL_RATE,
  MESSAGE_BURST,
  MESSAGE_RATE,
  REPLAY_WINDOW,
  REPLY_FACTOR,
  SESSION_LIFE,
  WORKING_AFTER
} from '@minwww/protocol'

const KB = 1024
const MB = 1024 * KB
const SECOND = 1000
const MINUTE = 60 * SECOND

/** Everything tunable of the exit's core. Times in ms, sizes in bytes, rates in bytes/s (1024 bytes a tunnel message). */
export interface ServerConfig {
  /** Silence after which a session is forgotten. */
  sessionLife: number
  /** Sessions that were used after their OPEN; at the bound the one silent for longest ends. */
  maxSessions: number
  /** Sessions of which only the OPEN was seen; same. */
  maxFreshSessions: number
  /** How far an OPEN's time may be from ours. */
  clockTolerance: number
  /** Signature checks per second, for Destinations with a session and for all others, each. */
  signatureChecks: number
  /**
   * Fetches per second of all Destinations together that are not validated, and how many at once. A Destination is
   * validated (as QUIC says of addresses) once it has sent a tagged message after an answer: what it asks from then on
   * does not count.
   */
  unvalidatedFetches: number
  unvalidatedBurst: number
  /** Fetches under way; above it: ERROR 2. */
  maxFetches: number
  maxFetchesPerSession: number
  /** Time that `respond` or `fail` may take. */
  fetchDeadline: number
  /** A client whose request takes longer than this is told that it is being worked on, and then at this interval. */
  workingAfter: number
  /** The same where nothing was sent to the client for `meetTime`: its router waits for a first answer, ms. */
  meetAfter: number
  meetTime: number
  workingEvery: number
  /** A request, decoded. */
  maxRequest: number
  /** Requests that a session remembers; the one untouched for longest is forgotten. */
  maxRequestsPerSession: number
  /**
   * Request objects that are being put together from BODY symbols, in all and of one session; one more is refused, unless
   * nothing has come of another one for `uploadPause`.
   */
  maxUploads: number
  maxUploadsPerSession: number
  uploadPause: number
  /** Tokens of requests that are carried out once, in all and of one Destination, and how long each is known. */
  maxTokens: number
  maxTokensPerClient: number
  tokenLife: number
  /** How long an answer is kept after it was last used. Section 8 says max(60 s, 8 RTT); covers an RTT of 11 s. */
  cacheTime: number
  cachePerSession: number
  cacheTotal: number
  /** What was promised, as `cachePerSession`, `cacheTotal` and `maxRequestsPerSession` say of answers. */
  pushCachePerSession: number
  pushCacheTotal: number
  maxPushesPerSession: number
  /**
   * Answers that wait to be sent, whether they are still remembered or not. What is more of one session's is dropped, and the
   * client asks again; at the bound of all the session with the most loses its newest.
   */
  queuePerSession: number
  queueTotal: number
  /** Rate and depth (tunnel messages) of a session's bucket until its client grants a rate. */
  initialRate: number
  initialDepth: number
  minRate: number
  maxRate: number
  /**
   * A granted rate times this is the depth, in place of the client's srtt, which the exit is not told. The client counts on
   * it where it says how much may go into the first round trip.
   */
  depthTime: number
  /** Tunnel messages. */
  minDepth: number
  maxDepth: number
  /** Tunnel messages handed over and not yet likely sent, of all sessions, and the rate at which the router sends them. */
  maxBacklog: number
  serverRate: number
  /** What the operator gives, bytes/s of payloads with their containers; Infinity is no limit. Only announced, as pace. */
  limit: number
  /** Messages back to back, and messages per second after that, in total. */
  messageBurst: number
  messageRate: number
  /** Below this rate, bytes/s, a path spaces symbols enough for any number of them. */
  slowRate: number
  /** Bursts of one reply. */
  maxBursts: number
  /** Bytes of one reply as a multiple of its size, but never less than `minReplyMessages` tunnel messages. */
  replyFactor: number
  minReplyMessages: number
  /** Seconds in an ERROR 2 of the core. */
  retryAfter: number
  /** Time that a router has to send a message. */
  expiry: number
}

export const DEFAULT_CONFIG: Readonly<ServerConfig> = {
  sessionLife: SESSION_LIFE,
  maxSessions: 4096,
  maxFreshSessions: 1024,
  clockTolerance: 90 * SECOND,
  signatureChecks: 200,
  unvalidatedFetches: 50,
  unvalidatedBurst: 200,
  maxFetches: 512,
  maxFetchesPerSession: 96,
  // The fetcher's own deadlines come first: 300 s to a head, after a connection was made.
  fetchDeadline: 6 * MINUTE,
  workingAfter: WORKING_AFTER,
  meetAfter: 20,
  meetTime: 80 * SECOND,
  workingEvery: 5 * SECOND,
  maxRequest: 256 * KB,
  maxRequestsPerSession: REPLAY_WINDOW,
  maxUploads: 128,
  maxUploadsPerSession: 16,
  uploadPause: 5 * SECOND,
  maxTokens: 16_384,
  maxTokensPerClient: 1_024,
  tokenLife: 5 * MINUTE,
  cacheTime: 90 * SECOND,
  cachePerSession: 4 * MB,
  cacheTotal: 64 * MB,
  pushCachePerSession: 4 * MB,
  pushCacheTotal: 32 * MB,
  maxPushesPerSession: 128,
  queuePerSession: 16 * MB,
  queueTotal: 128 * MB,
  initialRate: INITIAL_RATE,
  initialDepth: 64,
  minRate: KB,
  maxRate: 64 * MB,
  depthTime: DEPTH_TIME,
  minDepth: 16,
  maxDepth: 190,
  maxBacklog: 400,
  serverRate: 48 * MB,
  limit: Infinity,
  messageBurst: MESSAGE_BURST,
  messageRate: MESSAGE_RATE,
  slowRate: 432 * KB,
  maxBursts: 6,
  replyFactor: REPLY_FACTOR,
  minReplyMessages: 6,
  retryAfter: 2,
  expiry: MINUTE
}
