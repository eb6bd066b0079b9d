import { ProxyError } from '../http/failures.ts'
import { StreamFailure, type Limits } from './stream-path.ts'
import type { StreamPeer } from './streams.ts'

/**
 * Asks peers one after the other as long as the next one may be asked. One that does not even take the stream gets its
 * share of the time to connect only, so that those behind it have their turn.
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
      return await attempt(peer, { connect: left / (peers.length - index), answer: limits.answer })
    } catch (error) {
      if (!(error instanceof StreamFailure) || !mayGoOn(error, peer)) throw error
      failure = error
    }
  }
  throw failure
}
