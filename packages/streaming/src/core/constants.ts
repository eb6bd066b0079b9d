/** Bounds of the retransmission timer, ms. Streaming document, "Other Parameters". */
export const MIN_RTO = 100
export const MAX_RTO = 45_000
/** Timeouts in a row after which a peer is given up, unless told otherwise. */
export const MAX_RESENDS = 8
/**
 * On a short path those are over after half a minute, in which routers just leave a dead tunnel. So a packet is repeated until so
 * long after the first timeout, as often as this says, ms. Who asks for fewer timeouts wants to be told sooner.
 */
export const PATIENCE = 60_000
export const EXTRA_RESEND_INTERVAL = 10_000
/** Longest RTT estimate, ms. */
export const MAX_RTT = 60_000

/** Smallest payload size that a peer may negotiate, bytes. */
export const MIN_MESSAGE_SIZE = 512
/** Payload that fits two tunnel messages with any encryption, bytes: what is sent until the peer announces more. */
export const DEFAULT_MESSAGE_SIZE = 1730

/** Slow start ends here at the latest, packets: beyond it a burst of loss costs more than the growth gains (as Java). */
export const MAX_SLOW_START_WINDOW = 64
export const MIN_WINDOW = 1
/**
 * A window is measured in packets; between the lowest unacknowledged and the highest sent at most these, as every
 * receiver buffers them.
 */
export const MAX_SPAN = 128
/** The same of a stream that began informed: its peer is one of ours. */
export const MAX_INFORMED_SPAN = 256
/** Above this ratio of RTT to base RTT a queue stands, and not only a window that takes a while to pass. */
export const LOADED = 1.5
/** Packets sent before the SYN reply, at most: a receiver queues them without knowing the sender. */
export const MAX_EARLY_PACKETS = 32

/** Packets acknowledged that were sent after a packet, until it counts as lost (Java: three NACKs). */
export const FAST_RETRANSMIT_THRESHOLD = 3

/** Delay of an ACK that was asked for at once: the smaller of this, ms, and RTT / 8, so that a burst gets one ACK (as Java). */
export const IMMEDIATE_ACK_DELAY = 120
export const IMMEDIATE_ACK_RTT_SHARE = 1 / 8
/** A burst is over, and the ACK need not wait, when nothing came for this share of the RTT, within these bounds, ms. */
export const BURST_GAP_RTT_SHARE = 1 / 64
export const MIN_BURST_GAP = 5
export const MAX_BURST_GAP = 30
/** The same while no RTT is known, ms. */
export const UNKNOWN_RTT_ACK_DELAY = 20
/** Every so many packets the sender asks for an ACK at once. */
export const ACK_REQUEST_INTERVAL = 8
/** A delay that the peer asks for is kept up to this, ms. */
export const MAX_REQUESTED_ACK_DELAY = 3_000
/** A SYN of which the router says that it will not arrive is sent again after this, ms: a LeaseSet may be on its way. */
export const UNDELIVERED_RETRY = 3_000
/** Streams to a peer of which the router knows no LeaseSet fail if that is still so after this, ms. */
export const UNREACHABLE_AFTER = 10_000

/** How long a SYN reply waits for data of the application to carry, ms. */
export const SYN_REPLY_DELAY = 10

/** Times an unchoke is repeated while no data comes, and the time between two, ms. */
export const UNCHOKE_REPEATS = 8
export const UNCHOKE_INTERVAL = 1_000

/** A peer that has said nothing for so long is asked whether it has the stream; then after twice as long, and so on, ms. */
export const ASK_AFTER = 10_000

/** Between two RESETs on one stream, ms. */
export const RESET_INTERVAL = 10_000
/** Random addition to the inactivity timeout, ms, so that both ends do not act at once. */
export const INACTIVITY_JITTER = 10_000

/** SYNs of whose fate the router may tell us; the oldest is forgotten. */
export const MAX_ASKED = 256
/** TCP connections of one forwarding at once; further ones are closed, or their streams reset. */
export const MAX_FORWARDED_CONNECTIONS = 1024

/** Streams of one core at most, whatever maxConcurrentStreams says: a SYN above it is dropped. */
export const MAX_STREAMS = 16_384
/** Inbound streams whose peer has not acknowledged our SYN reply: above it the oldest is reset. */
export const MAX_HALF_OPEN = 2048
/** Inbound streams not taken by pollEvent: a SYN above it is refused. */
export const ACCEPT_BACKLOG = 1024
/** What all streams may hold received and unread together, bytes. */
export const RECEIVE_BUDGET = 64 * 1_048_576
/** Datagrams outside of streams (RESETs, pings, ACKs of finished streams) waiting to be sent; a further one is dropped. */
export const MAX_LOOSE = 1024
/** SYNs from which a signature is checked, per second; each check costs about 0.1 ms. Further ones are dropped. */
export const MAX_SYNS_PER_SECOND = 4_000
/** The same for pings, and for SYN replies to streams that we gave up. */
export const MAX_PONGS_PER_SECOND = 50
