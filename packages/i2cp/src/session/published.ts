import type { Clock } from '@minwww/ground'
import { systemClock } from '@minwww/ground/node'
import { I2cpError } from '../errors.ts'
import type { Session } from './session.ts'

export interface PublishedOptions {
  /** For all attempts together, ms; default 120 s. */
  readonly timeout?: number
  /** Between two attempts, ms; default 3 s. */
  readonly interval?: number
  readonly signal?: AbortSignal
  readonly clock?: Clock
}

/** A look-up of a LeaseSet that is not there yet keeps Java's router busy for 15 s; better ask again. ms. */
const LOOKUP_TIMEOUT = 10_000

/**
 * Resolves when `probe`, a session of another Destination and best on another router, finds the LeaseSet of `session`;
 * until then the LeaseSet is signed and sent again after each failed look-up. Resolves with the ms it took. Rejects
 * with I2CP_LOOKUP_FAILED after the time-out: then check i2cp.dontPublishLeaseSet (quirks.ts); I2CP_ABORTED.
 */
export async function waitUntilPublished (session: Session, probe: Session, o: PublishedOptions = {}): Promise<number> {
  const { timeout = 120_000, interval = 3_000, signal, clock = systemClock } = o
  const start = clock.now()
  for (;;) {
    try {
      await probe.lookupHash(session.destination.hash, { timeout: LOOKUP_TIMEOUT, ...(signal && { signal }) })
      return clock.now() - start
    } catch (error) {
      if (!(error instanceof I2cpError) || (error.code !== 'I2CP_LOOKUP_FAILED' && error.code !== 'I2CP_TIMEOUT')) throw error
    }
    if (clock.now() - start + interval > timeout) {
      throw new I2cpError('I2CP_LOOKUP_FAILED', 'the LeaseSet cannot be found from another session')
    }
    session.republish()
    await pause(clock, interval, signal)
  }
}

function pause (clock: Clock, ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = clock.setTimer(() => {
      signal?.removeEventListener('abort', abort)
      resolve()
    }, ms)
    const abort = () => {
      timer.clear()
      reject(new I2cpError('I2CP_ABORTED'))
    }
    if (signal?.aborted === true) abort()
    else signal?.addEventListener('abort', abort, { once: true })
  })
}
