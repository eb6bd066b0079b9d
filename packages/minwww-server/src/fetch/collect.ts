import type { Clock, Timer } from '@minwww/ground'
import { ServerError } from '../errors.ts'
import { toServerError } from './failures.ts'
import type { UpstreamResponse } from './http-types.ts'

export interface CollectLimits {
  /** Bytes of a body that goes out as it is. */
  maxCoded: number
  /** Bytes of a body that will be compressed before it goes out, or that was decompressed here. */
  maxDecoded: number
  /** Bytes that are worth sending before all of it is here. */
  beginning?: number
  /** How long a body may be in coming; without it as long as it takes. */
  moment?: Moment | undefined
}

export type Collected =
  | { kind: 'whole', body: Buffer }
  /** The body is longer than the limit, or than the moment: `head` was read of it, `rest` follows. */
  | { kind: 'part', head: Buffer[], rest: AsyncGenerator<Buffer, void, undefined> }

/** Bytes of a body that go out as its beginning, at least: they come while its stream is opened. And at most: an object has no more. */
export const BEGINNING = 49_152
/** What leaves at once takes a quarter of a second. The stream's first byte is a round trip behind, often half a second. */
const AT_ONCE = 2
const MAX_BEGINNING = 114_688
/** As much text, which is coded. */
const BEGINNING_OF_TEXT = 4 * BEGINNING
/** ms from a head on after which a body that has not ended goes out in part. One that is half here gets as much again. */
const MOMENT = 400
/** An event stream has no end. Its first event is worth waiting for, ms. */
const FIRST_EVENT = 50

/**
 * Reads a body up to its limit, chunk by chunk, and never holds more than the limit and two chunks. `admit` is asked
 * for each chunk that is taken, and may make it wait.
 *
 * @throws ServerError MINWWW_EXIT_TIMEOUT, MINWWW_EXIT_MALFORMED, or what `admit` throws
 */
export async function collect (
  response: UpstreamResponse, limits: CollectLimits, admit?: (bytes: number) => Promise<void>
): Promise<Collected> {
  const { moment } = limits
  const limit = response.shrinks ? limits.maxDecoded : limits.maxCoded
  const isLong = response.length !== undefined && response.length > limit
  const most = isLong ? Math.min(limit, limits.beginning ?? beginningOf(response)) : limit
  const reader = response.body.iterator({ destroyOnReturn: false })[Symbol.asyncIterator]() as Reader
  const head: Buffer[] = []
  let size = 0
  try {
    if (moment === undefined && isLong) return part(head, reader)
    for (;;) {
      const pending = reader.next()
      // What is late fails when its stream asks for it.
      pending.catch(() => {})
      const next = await (moment === undefined ? pending : moment.until(pending, size))
      if (next === undefined) return part(head, reader, pending)
      if (next.done === true) return { kind: 'whole', body: Buffer.concat(head) }
      head.push(next.value)
      size += next.value.length
      await admit?.(next.value.length)
      if (size > most || moment?.isOver(size) === true) return part(head, reader)
    }
  } catch (cause) {
    throw toServerError(cause, 'body')
  } finally {
    moment?.end()
  }
}

/** Bytes of a body that go out before its stream is there. @param atOnce - bytes that leave at once: in a quarter of a second */
export function beginningOf ({ shrinks }: UpstreamResponse, atOnce = 0): number {
  return shrinks ? BEGINNING_OF_TEXT : Math.min(MAX_BEGINNING, Math.max(BEGINNING, AT_ONCE * atOnce))
}

type Reader = AsyncIterator<Buffer, undefined, undefined>

function part (head: Buffer[], reader: Reader, pending = reader.next()): Collected {
  pending.catch(() => {})
  return { kind: 'part', head, rest: rest(reader, pending) }
}

async function * rest (reader: Reader, pending: Promise<IteratorResult<Buffer, undefined>>): AsyncGenerator<Buffer, void, undefined> {
  for (let next = await pending; next.done !== true; next = await reader.next()) yield next.value
}

/** The time that a body has to be whole before its beginning goes out. */
export class Moment {
  readonly #half: number | undefined
  readonly #isEventStream: boolean
  readonly #passed: Promise<undefined>
  readonly #clock: Clock
  #timer: Timer
  #isPassed = false
  #isExtended = false
  #size = 0

  constructor (clock: Clock, { length, isEventStream }: UpstreamResponse) {
    this.#clock = clock
    this.#half = length === undefined ? undefined : length / 2
    this.#isEventStream = isEventStream
    let pass = () => {}
    this.#passed = new Promise(resolve => { pass = () => resolve(undefined) })
    const expire = () => {
      if (!this.#mayExtend) {
        this.#isPassed = true
        return pass()
      }
      this.#isExtended = true
      this.#timer = this.#clock.setTimer(expire, MOMENT)
    }
    this.#timer = clock.setTimer(expire, isEventStream ? FIRST_EVENT : MOMENT)
  }

  /** Undefined where the moment is over first. @param size - bytes that are here */
  async until<T> (work: Promise<T>, size: number): Promise<T | undefined> {
    this.#size = size
    return await Promise.race([work, this.#passed])
  }

  /** @param size - bytes that are here */
  isOver (size: number): boolean {
    this.#size = size
    return this.#isPassed || this.#isEventStream
  }

  end (): void {
    this.#timer.clear()
  }

  get #mayExtend (): boolean {
    return !this.#isExtended && this.#half !== undefined && this.#size >= this.#half
  }
}

export function tooLarge (size: number): ServerError {
  return new ServerError('MINWWW_EXIT_TOO_LARGE', 'the answer is larger than one reply may be', { size })
}
