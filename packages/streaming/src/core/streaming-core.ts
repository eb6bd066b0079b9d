import { Deadlines } from '@minwww/ground'
import { PROTOCOL } from '@minwww/i2cp/codec'
import type { Destination } from '@minwww/i2cp/codec'
import { StreamingError } from '../errors.ts'
import { decodePacket } from '../packet/decode.ts'
import { encodePacket } from '../packet/encode.ts'
import { ownKey, transientKeyOf } from '../packet/offline-signature.ts'
import type { VerifyingKey } from '../packet/offline-signature.ts'
import { packet } from '../packet/packet.ts'
import type { ReceivedPacket } from '../packet/packet.ts'
import { verifyPacket } from '../packet/verify.ts'
import { AccessList, hashes, isHostName } from './access.ts'
import { connectionConfig } from './config.ts'
import { Connection } from './connection.ts'
import type { ConnectionInit } from './connection-init.ts'
import {
  ACCEPT_BACKLOG, MAX_HALF_OPEN, MAX_LOOSE, MAX_PONGS_PER_SECOND, MAX_STREAMS, MAX_SYNS_PER_SECOND, RECEIVE_BUDGET, RESET_INTERVAL
} from './constants.ts'
import { ControlBlocks } from './control-blocks.ts'
import { EarlyPackets } from './early-packets.ts'
import type { PathKnowledge } from './knowledge.ts'
import { limitResponse } from './limit-response.ts'
import { ConnectionLimits } from './limits.ts'
import { resolveOptions } from './options.ts'
import type { StreamingOptions } from './options.ts'
import { encodeReset } from './packet-writer.ts'
import type { LocalIdentity } from './packet-writer.ts'
import { PerSecond } from './per-second.ts'
import { PathShares } from './path-shares.ts'
import { Pings } from './pings.ts'
import { ReceiveBudget } from './receive-budget.ts'
import { TOMBSTONE_TTL, Tombstones, type Tombstone } from './tombstones.ts'
import type { ConnectRequest, CoreStatistics, Incoming, Outgoing, RejectReason, StreamingCoreInit, StreamingEvent } from './types.ts'

type StreamInit = Pick<ConnectionInit, 'inbound' | 'peer' | 'peerKey' | 'localPort' | 'remotePort' | 'sendStreamId' | 'asks'> &
  { options: StreamingOptions, path?: PathKnowledge | undefined }

/**
 * All streams of one Destination, without I/O. Drive it with receive, handleTimeout (when nextTimeout has come) and, after
 * each of these and after any call on a Connection, pollTransmit and pollEvent until they return undefined. `now` is in ms,
 * based on the epoch, and does not run backwards. Bounds: MAX_STREAMS, MAX_HALF_OPEN, ACCEPT_BACKLOG, RECEIVE_BUDGET.
 */
export class StreamingCore {
  readonly statistics: CoreStatistics = { received: 0, malformed: 0, unknownStream: 0, badSignature: 0, rejected: 0, expected: 0 }
  readonly budget = new ReceiveBudget(RECEIVE_BUDGET)
  readonly controlBlocks: ControlBlocks
  readonly options: StreamingOptions
  readonly #identity: LocalIdentity
  readonly #random: (n: number) => Uint8Array
  readonly #clockOffset: () => number
  readonly #access: AccessList
  readonly #limits: ConnectionLimits
  readonly #pings: Pings
  readonly #syns = new PerSecond(MAX_SYNS_PER_SECOND)
  readonly #pongs = new PerSecond(MAX_PONGS_PER_SECOND)
  readonly #lateReplies = new PerSecond(MAX_PONGS_PER_SECOND)
  readonly #early = new EarlyPackets()
  readonly #tombstones = new Tombstones()
  /** By our stream ID. */
  readonly #connections = new Map<number, Connection>()
  readonly #shares = new PathShares(() => this.#connections.values())
  /** Inbound ones by the peer's stream ID: until our SYN reply arrives the peer does not know ours. */
  readonly #byRemote = new Map<number, Connection>()
  readonly #halfOpen = new Set<Connection>()
  /** Streams that only carry the answer to a refused SYN. */
  readonly #refusals = new Set<Connection>()
  readonly #listening = new Set<number>()
  readonly #ready = new Set<Connection>()
  readonly #eventful = new Set<Connection>()
  readonly #deadlines = new Deadlines<Connection>()
  readonly #accepted: Connection[] = []
  readonly #loose: Outgoing[] = []
  readonly #events: StreamingEvent[] = []
  readonly #dsaHashes: ReadonlySet<string>

  /** Throws STREAMING_BAD_OPTION, STREAMING_UNSUPPORTED. */
  constructor ({ keys, random, options, clockOffset = () => 0, transient }: StreamingCoreInit) {
    this.options = resolveOptions(options)
    if (this.options.destinationSigType !== keys.destination.signingType) {
      throw new StreamingError(
        'STREAMING_UNSUPPORTED',
        `i2cp.destination.sigType ${this.options.destinationSigType}: the keys are of type ${keys.destination.signingType}`
      )
    }
    this.#identity = {
      destination: keys.destination,
      signer: transient?.signer ?? { signatureLength: keys.destination.signatureLength, sign: data => keys.sign(data) },
      offline: transient?.offline
    }
    this.#random = random
    this.#clockOffset = clockOffset
    this.#access = new AccessList(this.options)
    this.#limits = new ConnectionLimits(this.options)
    this.#pings = new Pings(this.#identity)
    this.controlBlocks = new ControlBlocks(this.options)
    this.#dsaHashes = hashes(this.options.dsalist.filter(entry => !isHostName(entry)))
  }

  /** Open streams, in and out. */
  get size (): number { return this.#connections.size }
  get halfOpen (): number { return this.#halfOpen.size }
  /** Finished streams that still answer. */
  get finished (): number { return this.#tombstones.size }
  /** Bytes that wait for the SYN of their stream. */
  get earlyBytes (): number { return this.#early.bytes }
  connections (): Iterable<Connection> { return this.#connections.values() }
  /** By our stream ID. */
  connection (id: number): Connection | undefined { return this.#connections.get(id) }

  /** Accept streams to this port; 0 takes those to every port that has no listener of its own. */
  listen (port = 0): void { this.#listening.add(port) }
  unlisten (port = 0): void { this.#listening.delete(port) }

  /** Opens a stream. Throws STREAMING_TOO_MANY, STREAMING_UNSUPPORTED, STREAMING_BAD_OPTION. */
  connect (now: number, { destination, port = 0, localPort = 0, options, path, asks }: ConnectRequest): Connection {
    if (this.#atLimit() || this.#connections.size >= MAX_STREAMS) {
      throw new StreamingError('STREAMING_TOO_MANY', 'maxConcurrentStreams is reached')
    }
    const peer = destination.hash.toString('hex')
    if (this.#dsaHashes.has(peer)) {
      throw new StreamingError('STREAMING_UNSUPPORTED', 'dsalist: this peer wants a DSA destination, which we have not')
    }
    const resolved = resolveOptions(options, this.options)
    const to = { peer: destination, peerKey: ownKey(destination), localPort, remotePort: port, sendStreamId: 0 }
    return this.#open(now, { inbound: false, ...to, options: resolved, path, asks })
  }

  /** Lets a stream begin with what others know of its path, which it shares with the streams to the same peer that send. */
  inform (now: number, connection: Connection, known: PathKnowledge): void { this.#shares.inform(now, connection, known) }

  /** Sends a ping with up to 32 bytes; a 'pong' event with the id returned may follow. Throws STREAMING_TOO_MANY. */
  ping (now: number, destination: Destination, { payload = Buffer.alloc(0), port = 0, localPort = 0 } = {}): number {
    if (this.#pings.full) throw new StreamingError('STREAMING_TOO_MANY', 'too many pings are waiting')
    const id = this.#freshId()
    this.#sendLoose(destination, localPort, port, this.#pings.ping(now, id, destination, payload))
    return id
  }

  forgetPing (id: number): void { this.#pings.forget(id) }

  /** Never throws: what is no valid packet is counted and dropped. */
  receive (now: number, message: Incoming): void {
    if (this.options.enforceProtocol && message.protocol !== undefined && message.protocol !== PROTOCOL.STREAMING) return
    this.statistics.received += 1
    let received: ReceivedPacket
    try {
      received = decodePacket(message.payload)
    } catch {
      this.statistics.malformed += 1
      return
    }
    if (received.echo) return this.#receiveEcho(now, message, received)
    const connection = this.#find(received)
    if (connection !== undefined) {
      if (!connection.inbound) this.statistics.expected += 1
      const { sending } = connection
      connection.receive(now, received)
      if (connection.confirmed) this.#halfOpen.delete(connection)
      if (sending && !connection.sending && !connection.brokeOff) this.#shares.left(now, connection)
      return this.#touch(connection)
    }
    if (received.sendStreamId !== 0) return this.#receiveLate(now, message, received)
    if (received.receiveStreamId === 0 || received.reset) return
    if (received.synchronize) return this.#receiveSyn(now, message, received)
    this.#early.add(now, received)
  }

  nextTimeout (): number | undefined { return this.#deadlines.next() }

  handleTimeout (now: number): void {
    for (let connection = this.#deadlines.takeDue(now); connection !== undefined; connection = this.#deadlines.takeDue(now)) {
      connection.handleTimeout(now)
      this.#ready.add(connection)
      this.#eventful.add(connection)
    }
  }

  /** The next message to send; streams take turns, packet by packet. */
  pollTransmit (now: number): Outgoing | undefined {
    const loose = this.#loose.shift()
    if (loose !== undefined) return loose
    for (const connection of this.#ready) {
      const payload = connection.pollTransmit(now)
      this.#ready.delete(connection)
      this.#eventful.add(connection)
      if (payload === undefined) {
        this.#settle(now, connection)
        continue
      }
      this.#ready.add(connection)
      const message = outgoing(connection.peer, connection.localPort, connection.remotePort, payload)
      return connection.state.name === 'connecting' ? { ...message, opens: connection } : message
    }
    return undefined
  }

  pollEvent (): StreamingEvent | undefined {
    const event = this.#events.shift()
    if (event !== undefined) return event
    const connection = this.#accepted.shift()
    if (connection !== undefined) return { type: 'accept', connection }
    for (const eventful of this.#eventful) {
      const type = this.#refusals.has(eventful) ? undefined : eventful.pollEvent()
      if (type !== undefined) return { type, connection: eventful }
      this.#eventful.delete(eventful)
    }
    return undefined
  }

  #find (received: ReceivedPacket): Connection | undefined {
    return received.sendStreamId === 0 ? this.#byRemote.get(received.receiveStreamId) : this.#connections.get(received.sendStreamId)
  }

  #touch (connection: Connection): void {
    this.#ready.add(connection)
    this.#eventful.add(connection)
  }

  /** Nothing to transmit: note when to look again, or that the stream is over. */
  #settle (now: number, connection: Connection): void {
    if (connection.state.name !== 'closed') return this.#deadlines.set(connection, connection.nextTimeout())
    this.#deadlines.set(connection, undefined)
    if (this.#connections.get(connection.receiveStreamId) !== connection) return
    this.#connections.delete(connection.receiveStreamId)
    if (this.#byRemote.get(connection.sendStreamId) === connection) this.#byRemote.delete(connection.sendStreamId)
    this.#halfOpen.delete(connection)
    if (this.#refusals.delete(connection)) this.#eventful.delete(connection)
    this.#shares.ended(now, connection)
    const block = connection.controlBlock
    if (block !== undefined) this.controlBlocks.update(now, connection.peer.hash.toString('hex'), block)
    if (connection.sendStreamId !== 0) this.#bury(now, connection, connection.state.error)
  }

  #bury (now: number, connection: Connection, error: StreamingError | undefined): void {
    const { peer, localPort, remotePort, sendStreamId, receiveStreamId, contiguous } = connection
    const byPeer = error?.code === 'STREAMING_RESET'
    this.#tombstones.add(now, {
      expires: now + TOMBSTONE_TTL,
      peer,
      localPort,
      remotePort,
      sendStreamId,
      receiveStreamId,
      ackThrough: contiguous,
      resetAt: error === undefined ? undefined : byPeer ? Infinity : now + RESET_INTERVAL
    })
  }

  /** A packet of a stream that is over, or never was. Without its Destination an unknown one cannot be answered. */
  #receiveLate (now: number, message: Incoming, received: ReceivedPacket): void {
    const tombstone = this.#tombstones.get(now, received.sendStreamId)
    if (tombstone === undefined || received.receiveStreamId !== tombstone.sendStreamId) {
      this.statistics.unknownStream += 1
      if (!received.reset) this.#resetUnknown(now, message, received)
      return
    }
    if (!received.reset && (received.sequence > 0 || received.synchronize || received.from !== undefined)) this.#answerLate(now, tombstone)
  }

  /** The last ACK again, or the RESET again. */
  #answerLate (now: number, tombstone: Tombstone): void {
    const { peer, localPort, remotePort, sendStreamId, receiveStreamId, ackThrough } = tombstone
    const ids = { sendStreamId, receiveStreamId, ackThrough }
    if (tombstone.resetAt === undefined) return this.#sendLoose(peer, localPort, remotePort, encodePacket(packet(ids)))
    if (now < tombstone.resetAt) return
    tombstone.resetAt = now + RESET_INTERVAL
    this.#sendLoose(peer, localPort, remotePort, encodeReset(ids, this.#identity))
  }

  /** The SYN reply to a stream that we gave up, or a question for one from before our start: it names whom to tell. */
  #resetUnknown (now: number, message: Incoming, reply: ReceivedPacket): void {
    const { from, sendStreamId: receiveStreamId, receiveStreamId: sendStreamId, sequence: ackThrough } = reply
    if (from === undefined || sendStreamId === 0 || !this.#lateReplies.admit(now)) return
    const key = this.#keyOf(now, reply, from)
    if (key === undefined || !verifyPacket(reply, key)) return
    this.#sendLoose(from, message.toPort, message.fromPort, encodeReset({ sendStreamId, receiveStreamId, ackThrough }, this.#identity))
  }

  #receiveSyn (now: number, message: Incoming, syn: ReceivedPacket): void {
    const { from } = syn
    if (from === undefined || syn.sequence !== 0) return
    if (syn.targetHash !== undefined && !syn.targetHash.equals(this.#identity.destination.hash)) return
    if (this.#connections.size >= MAX_STREAMS || !this.#syns.admit(now)) return
    const finished = this.#tombstones.ofSyn(now, syn.receiveStreamId, from)
    if (finished !== undefined) return this.#answerLate(now, finished)
    const peer = from.hash.toString('hex')
    const admitted = this.#access.admits(peer)
    // A peer that is not admitted and gets no answer does not even cost us a signature.
    if (!admitted && this.options.limitAction === 'drop') return this.#rejected(from, 'access')
    const peerKey = this.#keyOf(now, syn, from)
    if (peerKey === undefined || !verifyPacket(syn, peerKey)) {
      this.statistics.badSignature += 1
      return
    }
    const port = message.toPort
    if (!admitted) return this.#refuse(now, message, syn, peerKey, 'access', 'reset')
    if (!this.#listening.has(port) && !this.#listening.has(0)) return this.#refuse(now, message, syn, peerKey, 'no-listener', 'reset')
    if (!this.#limits.admit(now, peer)) return this.#refuse(now, message, syn, peerKey, 'limit', this.options.limitAction)
    if (this.#atLimit()) return this.#refuse(now, message, syn, peerKey, 'too-many', this.options.limitAction)
    if (this.#accepted.length >= ACCEPT_BACKLOG) return this.#refuse(now, message, syn, peerKey, 'backlog', 'reset')
    this.#accepted.push(this.#accept(now, message, syn, from, peerKey))
  }

  #accept (now: number, message: Incoming, syn: ReceivedPacket, from: Destination, peerKey: VerifyingKey): Connection {
    const { toPort: localPort, fromPort: remotePort } = message
    const connection = this.#open(now, {
      inbound: true, peer: from, peerKey, localPort, remotePort, sendStreamId: syn.receiveStreamId, options: this.options
    })
    this.#byRemote.set(syn.receiveStreamId, connection)
    this.#halfOpen.add(connection)
    if (this.#halfOpen.size > MAX_HALF_OPEN) this.#evictHalfOpen(now)
    connection.accept(now, syn)
    for (const early of this.#early.take(now, syn.receiveStreamId)) connection.receive(now, early)
    return connection
  }

  #refuse (now: number, message: Incoming, syn: ReceivedPacket, peerKey: VerifyingKey, reason: RejectReason, action: string): void {
    this.#rejected(syn.from!, reason)
    const response = limitResponse(action)
    if (response === 'drop') return
    const connection = this.#accept(now, message, syn, syn.from!, peerKey)
    this.#refusals.add(connection)
    if (response === 'reset') return connection.reset(now)
    connection.discard()
    connection.write(now, response)
    connection.end(now)
  }

  #evictHalfOpen (now: number): void {
    const oldest = this.#halfOpen.values().next().value!
    this.#halfOpen.delete(oldest)
    oldest.reset(now)
  }

  #rejected (peer: Destination, reason: RejectReason): void {
    this.statistics.rejected += 1
    if (!this.options.disableRejectLogging && this.#events.length < MAX_LOOSE) this.#events.push({ type: 'rejected', peer, reason })
  }

  #open (now: number, init: StreamInit): Connection {
    const connection: Connection = new Connection({
      ...init,
      now,
      identity: this.#identity,
      receiveStreamId: this.#freshId(),
      config: connectionConfig(init.options),
      shared: this.controlBlocks.get(now, init.peer.hash.toString('hex')),
      jitter: this.#random(1)[0]! / 255,
      budget: this.budget,
      wake: () => this.#touch(connection)
    })
    this.#connections.set(connection.receiveStreamId, connection)
    if (init.path !== undefined) this.inform(now, connection, init.path)
    this.#touch(connection)
    return connection
  }

  #receiveEcho (now: number, message: Incoming, echo: ReceivedPacket): void {
    if (echo.sendStreamId === 0) {
      const pong = this.#pings.pong(now, echo)
      if (pong === undefined) return
      this.statistics.expected += 1
      this.#events.push({ type: 'pong', ...pong })
      return
    }
    if (!this.options.answerPings || echo.from === undefined || !this.#pongs.admit(now)) return
    if (!this.#access.admits(echo.from.hash.toString('hex'))) return
    const key = this.#keyOf(now, echo, echo.from)
    if (key === undefined || !verifyPacket(echo, key)) {
      this.statistics.badSignature += 1
      return
    }
    this.#sendLoose(echo.from, message.toPort, message.fromPort, this.#pings.answer(echo))
  }

  #keyOf (now: number, received: ReceivedPacket, from: Destination): VerifyingKey | undefined {
    if (received.offline === undefined) return ownKey(from)
    return transientKeyOf(received.offline, from, (now + this.#clockOffset()) / 1000)
  }

  #atLimit (): boolean {
    const max = this.options.maxConcurrentStreams
    return max > 0 && this.#connections.size - this.#refusals.size >= max
  }

  #sendLoose (to: Destination, fromPort: number, toPort: number, payload: Buffer): void {
    if (this.#loose.length < MAX_LOOSE) this.#loose.push(outgoing(to, fromPort, toPort, payload))
  }

  #freshId (): number {
    for (;;) {
      const id = Buffer.from(this.#random(4)).readUInt32BE()
      if (id !== 0 && !this.#connections.has(id)) return id
    }
  }
}

function outgoing (to: Destination, fromPort: number, toPort: number, payload: Buffer): Outgoing {
  return { to, protocol: PROTOCOL.STREAMING, fromPort, toPort, payload }
}
