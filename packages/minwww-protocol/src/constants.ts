/** What client and exit agree on beside the format of messages. */

/** I2P port of an exit: of its messages and of its streams. */
export const EXIT_PORT = 80
/** How a site says in Alt-Svc that it can be had as messages (section 9). */
export const ALTERNATIVE = `minwww=":${EXIT_PORT}"`
/** Scheme of what a stream asks for that brings the rest of an answer: `minwww://SESSION/ID`, both of its messages (section 9). */
export const REST_SCHEME = 'minwww://'
/** What a stream asks for that waits for the next rest, whichever that is; and the field that then names it. */
export const NEXT_REST = 'next'
export const REST_FIELD = 'X-MinWWW-Rest'
/** Silence after which an exit forgets a session, ms. */
export const SESSION_LIFE = 600_000

/** A client hears of its request within this, of the answer or of the work on it; beside the round trip, ms. */
export const WORKING_AFTER = 200

/** Messages that every gateway measured takes back to back. */
export const MESSAGE_BURST = 24
/** Messages a second after that: 24 in the longest time that a gateway of Java I2P was late, 5 ms. */
export const MESSAGE_RATE = 4_800
/** Messages back to back that answer the OPEN of a probe: how far apart they come shows the bottleneck (section 7.2). */
export const PROBE_TRAIN = 5
/** Rate of an exit until its client has measured a round trip and grants one, bytes/s. */
export const INITIAL_RATE = 131_072
/** An exit lets this much of a granted rate leave at once, ms; a client counts on it for the first round trip (section 7). */
export const DEPTH_TIME = 250
/** Symbols that an exit sends of one reply at most, as a multiple of k; a small reply may have more (section 8). */
export const REPLY_FACTOR = 3
