import { ProxyError } from '../http/failures.ts'
import { StreamFailure, type Limits } from './stream-path.ts'
import type { StreamPeer } from './streams.ts'

/**
 * Asks peers one after the other as long as the next one may be asked. `timeout`, ms, is for all of them: one that does
 * not even take the stream gets its share only, so that those behind it have their turn.
 * @throws what the last attempt threw; ProxyError MINWWW_NO_EXIT where there is no peer
 */
export async function firstOf<T> (
  peers: readonly StreamPeer[], timeout: number, attempt: (peer: StreamPeer, limits: Limits) => Promise<T>,
  mayGoOn: (failure: StreamFailure, peer: StreamPeer) => boolean = () => true
): Promise<T> {
  const end = performance.now() + timeout
  let failure: unknown = new ProxyError('MINWWW_NO_EXIT')
  for (const [index, peer] of peers.entries()) {
    const answer = end - performance.now()
    if (answer <= 0) break
    try {
      return await attempt(peer, { connect: answer / (peers.length - index), answer })
    } catch (error) {
      if (!(error instanceof StreamFailure) || !mayGoOn(error, peer)) throw error
      failure = error
    }
  }
  throw failure
}
