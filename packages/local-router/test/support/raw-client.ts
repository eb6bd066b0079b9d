import type { Duplex } from 'node:stream'
import {
  decodeMessage, encodeGzipPayload, encodeMessage, FrameReader, LocalDestination, LEASE_SET_TYPE, PROTOCOL_BYTE, signLeaseSet2,
  signSessionConfig, TYPE,
  x25519PublicOf
} from '@minwww/i2cp/codec'
import { seeded, settle, VirtualClock } from '@minwww/testkit'
import type { Destination, Lease, Mapping, Message, RequestVariableLeaseSet, SessionStatus } from '@minwww/i2cp/codec'

type Of<T extends Message['type']> = Extract<Message, { type: T }>

/** Keys that are the same in every run. */
export function keysOf (seed: number): LocalDestination {
  return LocalDestination.generate(seeded(seed))
}

/** A client that says exactly what the test wants it to say. */
export class RawClient {
  readonly messages: Message[] = []
  readonly stream: Duplex
  readonly clock: VirtualClock
  ended = false
  readonly #reader = new FrameReader()

  constructor (stream: Duplex, clock: VirtualClock, greet = true) {
    this.stream = stream
    this.clock = clock
    stream.on('data', (chunk: Buffer) => {
      for (const { type, body } of this.#reader.push(chunk)) this.messages.push(decodeMessage(type, body))
    })
    stream.on('end', () => { this.ended = true })
    stream.on('error', () => {})
    if (greet) stream.write(Buffer.of(PROTOCOL_BYTE))
  }

  send (message: Message): void {
    this.stream.write(encodeMessage(message))
  }

  async ask (message: Message): Promise<void> {
    this.send(message)
    await settle()
  }

  /** All messages of one type so far, and forgets them. */
  take<T extends Message['type']> (type: T): Array<Of<T>> {
    const taken = this.messages.filter(m => m.type === type) as Array<Of<T>>
    const rest = this.messages.filter(m => m.type !== type)
    this.messages.splice(0, Infinity, ...rest)
    return taken
  }

  createSession (keys: LocalDestination, options: Mapping = {}, date = this.clock.now()): void {
    const config = signSessionConfig({ destination: keys.destination, options, date: Math.floor(date) }, data => keys.sign(data))
    this.send({ type: TYPE.CreateSession, config })
  }

  createLeaseSet (keys: LocalDestination, sessionId: number, leases: readonly Lease[], options: Mapping = {}): void {
    this.send(leaseSetOf(keys, sessionId, leases, options, this.clock.now()))
  }

  sendTo (sessionId: number, destination: Destination, text: string, nonce = 0): void {
    const payload = encodeGzipPayload({ protocol: 18, fromPort: 1, toPort: 2, payload: Buffer.from(text) })
    this.send({ type: TYPE.SendMessage, sessionId, destination, payload, nonce })
  }
}

/** The network does not encrypt, so one private key is as good as another. */
const ENCRYPTION_KEY = Buffer.alloc(32, 9)

export function leaseSetOf (keys: LocalDestination, sessionId: number, leases: readonly Lease[], options: Mapping, now: number): Of<41> {
  const leaseSet = signLeaseSet2({
    destination: keys.destination,
    published: Math.floor(now / 1_000),
    expires: 600,
    flags: 0,
    options,
    encryptionKeys: [{ type: 4, key: x25519PublicOf(ENCRYPTION_KEY) }],
    leases
  }, data => keys.sign(data))
  const privateKeys = [{ type: 4, key: ENCRYPTION_KEY }]
  return { type: TYPE.CreateLeaseSet2, sessionId, leaseSetType: LEASE_SET_TYPE.LEASE_SET2, leaseSet, privateKeys }
}

/** A client with a session that is ready; returns its session ID. */
export async function openSession (
  client: RawClient, keys: LocalDestination, options: Mapping = {}, leaseSetOptions: Mapping = {}
): Promise<number> {
  client.createSession(keys, options)
  await client.clock.advanceSettled(20)
  const { sessionId } = client.take(TYPE.SessionStatus)[0] as SessionStatus
  const { leases } = client.take(TYPE.RequestVariableLeaseSet)[0] as RequestVariableLeaseSet
  client.createLeaseSet(keys, sessionId, leases, leaseSetOptions)
  await settle()
  return sessionId
}
