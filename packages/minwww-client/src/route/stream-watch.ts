import type { Duplex } from 'node:stream'
import type { Clock } from '@minwww/ground'

/** A stream is looked at so often, ms. What comes in that time came through the bottleneck, be it a part of a round trip's only. */
export const INTERVAL = 500
/** Bytes of tunnel messages for each byte of a stream: packets of 1,730 bytes are two of them. */
const WIRE = 2_048 / 1_730

/** Told in place of a rate: the stream brings something, but no more than before. */
export const NO_MORE = 0

/**
 * Tells what a stream carries: bytes/s of whole tunnel messages each time that it is more than before, else NO_MORE.
 * Says nothing of one that brings nothing.
 */
export function watchRate (stream: Duplex & { readonly bytesRead?: number }, clock: Clock, carried: (rate: number) => void): void {
  let most = 0
  let before = { bytes: 0, at: clock.now() }
  const look = (): void => {
    const at = clock.now()
    const bytes = stream.bytesRead ?? 0
    const rate = 1_000 * (bytes - before.bytes) / (at - before.at)
    before = { bytes, at }
    if (rate > 0) carried(rate > most ? rate * WIRE : NO_MORE)
    most = Math.max(most, rate)
    timer = clock.setTimer(look, INTERVAL)
  }
  let timer = clock.setTimer(look, INTERVAL)
  stream.once('close', () => timer.clear())
  if (stream.destroyed) timer.clear()
}
