import type { Promised } from '@minwww/protocol'
import type { Assembly } from './assembly.ts'
import { promisesIn } from './response.ts'
import type { Transfer } from './transfer.ts'
import type { RestName } from './types.ts'

/** Parts in which promises are looked for: they stand in front. */
const MAX_LOOKS = 8

/**
 * What of an answer was handed on before all of it was here. It cannot be taken back: only an object that begins with the
 * same bytes completes it, and then it is that object, whoever sent it.
 */
export class Delivery {
  /** Whose object it is. */
  readonly transfer: Transfer
  /** At most an object in all. */
  readonly #handed: Buffer[] = []
  #length = 0
  /** Resources that its exit promised in front of it. */
  promised = 0
  /** The promises in front were looked for in so many parts, or are here. */
  #looked = 0

  constructor (transfer: Transfer) {
    this.transfer = transfer
  }

  /** What has come at the front since the last call; undefined for nothing. */
  take (assembly: Assembly): Buffer | undefined {
    const bytes = assembly.front(this.#length)
    if (bytes.length === 0) return undefined
    this.#handed.push(bytes)
    this.#length += bytes.length
    return bytes
  }

  /** Promises in front of what was handed on, once; undefined while they are not here. */
  takePromises (): readonly Promised[] | undefined {
    if (this.#looked >= MAX_LOOKS) return undefined
    this.#looked++
    const promises = promisesIn(Buffer.concat(this.#handed))
    if (promises !== undefined) this.#looked = MAX_LOOKS
    return promises
  }

  /** The end of a whole object; undefined where it is another one than that which was handed on. */
  endOf (object: Buffer): Buffer | undefined {
    const begun = Buffer.concat(this.#handed)
    return object.subarray(0, begun.length).equals(begun) ? object.subarray(begun.length) : undefined
  }
}

export function restOf ({ exit, session, id, once }: Transfer): RestName {
  return { exit: exit.destination, source: session.source, session: session.name, id, ...(once && { token: once.token.toString('hex') }) }
}
