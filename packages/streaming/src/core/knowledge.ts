/** What others have measured of the path to a peer before a stream has: messages beside the streams, or the peer itself. */
export interface PathKnowledge {
  /** Smoothed round trip and its variation, ms. */
  readonly rtt?: number | undefined
  readonly rttvar?: number | undefined
  /** What the path carries to the peer, bytes/s of whole tunnel messages. */
  readonly rate?: number | undefined
  /** Share of packets lost on the way to the peer, 0..1. */
  readonly loss?: number | undefined
}

/** A full packet is two tunnel messages of this many bytes. */
const TUNNEL_BYTES = 1_024
const TUNNEL_MESSAGES = 2
/** Routers drop a link with 500 tunnel messages waiting: all streams to one peer begin with this many at most. */
const MAX_WAITING = 400
/** So many packets of one informed stream are in flight at most: its peer is one of ours, and buffers them. */
export const INFORMED_WINDOW = MAX_WAITING / TUNNEL_MESSAGES
/** A gateway of Java I2P drops the 25th message that waits: messages of all streams to a peer that may leave back to back. */
const MAX_BURST = 24
/** Every stream may send so many back to back. */
const MIN_BURST = 2

/** With how much a stream may begin, packets: in flight, and back to back. */
export interface Beginning { readonly window: number, readonly burst: number }

/** ms until the path has carried so many packets; 0 where its rate is not known. */
export function timeOf ({ rate }: PathKnowledge, packets: number): number {
  return rate === undefined || !(rate > 0) ? 0 : 1_000 * packets * TUNNEL_MESSAGES * TUNNEL_BYTES / rate
}

/**
 * What a path of that rate and round trip holds, divided among the streams to the peer.
 * @param streams - those that send, this one among them; at least 1
 * @returns undefined where the rate or the round trip is not known
 */
export function beginningOf ({ rate, rtt }: PathKnowledge, streams: number): Beginning | undefined {
  if (rate === undefined || rtt === undefined || !(rate > 0) || !(rtt > 0)) return undefined
  const window = Math.min(rate * rtt / 1_000 / (TUNNEL_MESSAGES * TUNNEL_BYTES), INFORMED_WINDOW) / streams
  return { window, burst: Math.max(MIN_BURST, Math.floor(MAX_BURST / streams)) }
}

interface Sharing { readonly peer: { readonly hash: Buffer }, readonly sending: boolean }

/** Streams among which the path of one of them is divided: it, and those to the same peer of which something is on its way or waits. */
export function sharing (stream: Sharing, all: Iterable<Sharing>): number {
  let streams = 1
  for (const other of all) if (other !== stream && other.sending && other.peer.hash.equals(stream.peer.hash)) streams += 1
  return streams
}
