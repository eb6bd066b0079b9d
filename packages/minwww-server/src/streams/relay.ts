import type { Duplex, Writable } from 'node:stream'
import { SilenceError } from '../http1/byte-reader.ts'
import { finish, write } from '../http1/write.ts'
import type { Clock } from '@minwww/ground'

/** Waits until a piece of that many bytes may go on. */
export type Meter = (bytes: number) => Promise<void>

/** Bytes that are written at once, so that a slow reader shows. */
const SLICE = 16_384

export interface Pour {
  meter: Meter
  clock: Clock
  /** ms until what waits for the reader must have been taken. */
  stall: number
  /** How a piece is put on the wire. */
  frame?: (piece: Buffer) => Buffer
}

/**
 * Moves a body on, piece by piece: metered, with back-pressure, never more than one piece in hand.
 *
 * @throws what `from` fails with; CutError or SilenceError of a reader that has gone or stands still
 */
export async function pour (
  from: AsyncIterable<Buffer> | Iterable<Buffer>, to: Writable, { meter, clock, stall, frame = piece => piece }: Pour
): Promise<void> {
  for await (const piece of from) {
    for (let at = 0; at < piece.length; at += SLICE) {
      const slice = piece.subarray(at, at + SLICE)
      await meter(slice.length)
      await write(to, frame(slice), clock, stall)
    }
  }
}

export interface Join {
  leftToRight: Meter
  rightToLeft: Meter
  clock: Clock
  stall: number
  /** ms without a byte in either direction after which both sockets are ended. */
  idle: number
}

/** Joins a client and a site until both directions have ended, the site has said all and closed, or one breaks. @throws what broke it */
export async function join (left: Duplex, right: Duplex, { leftToRight, rightToLeft, clock, stall, idle }: Join): Promise<void> {
  let timer = clock.setTimer(() => {}, 0)
  const touch = () => {
    timer.clear()
    timer = clock.setTimer(() => left.destroy(new SilenceError()), idle)
  }
  touch()
  const moving = (meter: Meter): Pour => ({
    clock,
    stall,
    meter: async bytes => {
      touch()
      await meter(bytes)
    }
  })
  try {
    const said = direction(left, right, moving(leftToRight)).catch((error: unknown) => { if (!hasSaidAll(right)) throw error })
    await Promise.all([said, direction(right, left, moving(rightToLeft))])
  } finally {
    timer.clear()
    left.destroy()
    right.destroy()
  }
}

async function direction (from: Duplex, to: Duplex, how: Pour): Promise<void> {
  try {
    // The end of one direction leaves the other open.
    await pour(from.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>, to, how)
    // What waits in its buffer would be lost when both are destroyed.
    await finish(to, how.clock, how.stall)
  } catch (error) {
    // What is on its way from the other end still arrives.
    if (!hasSaidAll(to)) from.destroy()
    to.destroy()
    throw error
  }
}

/** Whoever closes after that reads nothing more, and breaks nothing. */
const hasSaidAll = ({ readableEnded }: Duplex): boolean => readableEnded
