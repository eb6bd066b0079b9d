import { ProxyError } from '../http/failures.ts'
import { StreamFailure, type Limits } from './stream-path.ts'
import type { StreamPeer } from './streams.ts'

/** A peer that has others behind it is given up when it does not take a stream within so many round trips, and so many ms. */
const PATIENCE_ROUND_TRIPS = 10
const MIN_PATIENCE = 5_000

/**
 * ms that a peer gets to take a stream. The last one has all that is left.
 * @param share - of the time, ms, if it were shared evenly
 * @param rtt - of the path to the peer, ms
 */
export function patience (rtt: number | undefined, share: number, isLast: boolean): number {
  return isLast || rtt === undefined ? share : Math.min(share, Math.max(MIN_PATIENCE, PATIENCE_ROUND_TRIPS * rtt))
}

/**
 * Asks peers one after the other as long as the next one may be asked. One that does not even take the stream gets no more than
 * its share of the time to connect, and less where its path is known, so that those behind it have their turn.
 * @throws what the last attempt threw; ProxyError MINWWW_NO_EXIT where there is no peer
 */
export async function firstOf<T> (
  peers: readonly StreamPeer[], limits: Limits, attempt: (peer: StreamPeer, limits: Limits) => Promise<T>,
  mayGoOn: (failure: StreamFailure, peer: StreamPeer) => boolean = () => true
): Promise<T> {
  const end = performance.now() + limits.connect
  let failure: unknown = new ProxyError('MINWWW_NO_EXIT')
  for (const [index, peer] of peers.entries()) {
    const left = end - performance.now()
    if (left <= 0) break
    try {
      const connect = patience(peer.path?.rtt, left / (peers.length - index), index === peers.length - 1)
      return await attempt(peer, { connect, answer: limits.answer })
    } catch (error) {
      if (!(error instanceof StreamFailure) || !mayGoOn(error, peer)) throw error
      failure = error
    }
  }
  throw failure
}
