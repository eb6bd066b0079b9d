import { encodeRate, type ReplyMessage } from '@minwww/protocol'

/** The first of ten symbols of an answer, but for what the test says. */
export function symbol (o: Partial<ReplyMessage> = {}): ReplyMessage {
  return {
    type: 'reply',
    part: 'whole',
    attempt: 0,
    flags: 0,
    session: Buffer.alloc(8),
    id: 1,
    size: 10_000,
    index: 0,
    last: 9,
    pace: encodeRate(128 * 1_024),
    time: 0,
    symbol: Buffer.alloc(1_000),
    ...o
  }
}
