import { ArrivalPace } from './arrival-pace.ts'
import { sessionKeys } from '../keys.ts'
import { decodeParity, encodeParity } from './messages.ts'
import type { GroupMessage, HelloMessage, ParityMessage, RepairsMessage } from './messages.ts'
import { PacketLoss } from './packet-loss.ts'

/** What a message says, without what the channel adds to it. */
export type Content =
  | Omit<HelloMessage, 'channel' | 'number' | 'secret'>
  | Omit<GroupMessage, 'channel' | 'number'>
  | Omit<RepairsMessage, 'channel' | 'number'>

/** What two MinWWW ends share for the parity of all streams between them: keys, and the loss of what this end sends. */
export class Channel<Peer> {
  readonly peer: Peer
  /** In hex. */
  readonly label: string
  readonly loss: PacketLoss
  /** Of what comes in. */
  readonly arrivals = new ArrivalPace()
  /** When something authentic of it came last, ms. */
  heardAt = -Infinity
  /** HELLOs since then. */
  greetings = 0
  readonly #secret: Buffer
  readonly #id: Buffer
  readonly #out: Buffer
  readonly #in: Buffer
  #number = 0

  /** `secret`: 16 bytes; `loss`: what is known of the path, 0..1. */
  constructor (peer: Peer, secret: Buffer, role: 'client' | 'exit', loss?: number) {
    const { session, client, server } = sessionKeys(secret)
    this.peer = peer
    this.label = session.toString('hex')
    this.loss = new PacketLoss(loss)
    this.#secret = secret
    this.#id = session
    this.#out = role === 'client' ? client : server
    this.#in = role === 'client' ? server : client
  }

  encode (content: Content): Buffer {
    const common = { channel: this.#id, number: this.#number++ }
    return encodeParity(content.kind === 'hello' ? { ...content, ...common, secret: this.#secret } : { ...content, ...common }, this.#out)
  }

  /** Undefined for what was not made with the key. */
  decode (now: number, bytes: Buffer): ParityMessage | undefined {
    try {
      const message = decodeParity(bytes, this.#in)
      this.heardAt = now
      this.greetings = 0
      return message
    } catch {
      return undefined
    }
  }
}
