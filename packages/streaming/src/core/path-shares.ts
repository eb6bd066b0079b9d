import { sharing, type PathKnowledge } from './knowledge.ts'

/** A stream, as far as it shares its path with others to the same peer. */
interface Sharer {
  readonly peer: { readonly hash: Buffer }
  readonly sending: boolean
  /** It ended before everything was acknowledged. */
  readonly brokeOff: boolean
  inform: (now: number, known: PathKnowledge, streams: number) => void
  /** So many streams send, this one among them. */
  share: (now: number, streams: number) => void
}

/**
 * Streams that begin with what others know of their path divide it among those that send. When one of them has no more to send, or breaks
 * off, the others divide it anew: a share that only grew as windows do would be too small for many round trips.
 */
export class PathShares<Stream extends Sharer> {
  /** The streams of a core, and those of them that were told something. */
  readonly #all: () => Iterable<Stream>
  readonly #informed = new Set<Stream>()

  constructor (all: () => Iterable<Stream>) { this.#all = all }

  inform (now: number, stream: Stream, known: PathKnowledge): void {
    this.#informed.add(stream)
    stream.inform(now, known, sharing(stream, this.#all()))
  }

  /** It has no more to send. */
  left (now: number, { peer: { hash } }: Stream): void {
    const others = [...this.#informed].filter(other => other.sending && other.peer.hash.equals(hash))
    if (others.length === 0) return
    // The same for each: counted once, since a peer may have many streams, and end them one after the other.
    const streams = sharing(others[0]!, this.#all())
    for (const other of others) other.share(now, streams)
  }

  /** It is over. One that broke off had more to send. */
  ended (now: number, stream: Stream): void {
    this.#informed.delete(stream)
    if (stream.brokeOff) this.left(now, stream)
  }
}
