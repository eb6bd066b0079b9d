import { ProxyError } from '../http/failures.ts'
import { streamPatience } from '../sessions/stream-patience.ts'
import { StreamFailure, type Limits } from './stream-path.ts'
import type { StreamPeer } from './streams.ts'

/** A peer that has others behind it is given up when it does not take a stream, after so many ms at the soonest. */
const MIN_PATIENCE = 5_000

/**
 * ms that a peer gets to take a stream: an even share of the time at most. The last one has all that is left.
 * @param left - ms, for this peer and those behind it
 * @param behind - how many those are
 */
export function patience ({ path, patience }: StreamPeer, left: number, behind: number): number {
  const share = left / (behind + 1)
  if (behind === 0) return share
  const own = patience ?? (path === undefined ? Infinity : streamPatience(path.rtt, MIN_PATIENCE))
  return Math.min(share, own)
}

/** Another exit may do better whatever the failure. A site is asked from another Destination where nothing was heard of it. */
export const mayAskNext = ({ kind }: StreamPeer, failure: unknown): boolean =>
  kind === 'exit' || (failure instanceof StreamFailure && failure.silent)

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
      return await attempt(peer, { connect: patience(peer, left, peers.length - index - 1), answer: limits.answer })
    } catch (error) {
      if (!(error instanceof StreamFailure) || !mayAskNext(peer, error) || !mayGoOn(error, peer)) throw error
      failure = error
    }
  }
  throw failure
}
