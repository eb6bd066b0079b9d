import type { Duplex, Writable } from 'node:stream'

/** Waits until a piece of that many bytes may go on. */
export type Meter = (bytes: number) => Promise<void>

/** Moves a body on, piece by piece: metered, with back-pressure, never more than one piece in hand. */
export async function pour (from: AsyncIterable<Buffer>, to: Writable, meter: Meter): Promise<void> {
  for await (const piece of from) {
    await meter(piece.length)
    if (to.destroyed) throw new Error('nobody reads any more')
    if (!to.write(piece)) await drained(to)
  }
}

/** Joins two sockets until both directions have ended or one breaks. */
export async function join (left: Duplex, right: Duplex, leftToRight: Meter, rightToLeft: Meter): Promise<void> {
  try {
    await Promise.all([direction(left, right, leftToRight), direction(right, left, rightToLeft)])
  } finally {
    left.destroy()
    right.destroy()
  }
}

async function direction (from: Duplex, to: Duplex, meter: Meter): Promise<void> {
  try {
    // The end of one direction leaves the other open.
    await pour(from.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>, to, meter)
    to.end()
  } catch (error) {
    from.destroy()
    to.destroy()
    throw error
  }
}

async function drained (stream: Writable): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const settle = () => {
      stream.off('drain', settle).off('close', settle)
      if (stream.destroyed) reject(new Error('nobody reads any more'))
      else resolve()
    }
    stream.on('drain', settle).on('close', settle)
    if (stream.destroyed) settle()
  })
}
