import type { Destination } from '@minwww/i2cp/codec'
import { StreamingError } from '../errors.ts'
import { MAX_DELAY } from '../packet/constants.ts'
import { verifyPacket } from '../packet/verify.ts'
import type { VerifyingKey } from '../packet/offline-signature.ts'
import type { ReceivedPacket } from '../packet/packet.ts'
import { Asking } from './asking.ts'
import type { ConnectionConfig } from './config.ts'
import type { ConnectionInit } from './connection-init.ts'
import {
  MIN_MESSAGE_SIZE, INACTIVITY_JITTER, RESET_INTERVAL, SYN_REPLY_DELAY, UNDELIVERED_RETRY, UNREACHABLE_AFTER
} from './constants.ts'
import type { SharedControlBlock } from './control-blocks.ts'
import type { PathKnowledge } from './knowledge.ts'
import { PacketWriter } from './packet-writer.ts'
import { Receiver } from './receiver.ts'
import { Sender } from './sender.ts'
import { sendingStateOf, statisticsOf } from './statistics.ts'
import type { ConnectionStatistics, SendingState } from './statistics.ts'
import { ACTING, NOT_ACKNOWLEDGING, TimerTable } from './timers.ts'
import type { ActingTimer } from './timers.ts'

export type ConnectionState =
  | { readonly name: 'connecting' }
  | { readonly name: 'open' }
  /** Without an error both halves were closed in order. */
  | { readonly name: 'closed', readonly error?: StreamingError }

/** Each is set once something happened and not again until it was polled. */
export type ConnectionEvent = 'connected' | 'readable' | 'drain' | 'end' | 'closed'

/**
 * One stream, without I/O: bytes in by write(), packets out by pollTransmit(), packets in by receive(), bytes out by
 * read(). Every method takes `now`, ms on a clock that does not run backwards. Bounds: bufferSize bytes to send, MAX_INFORMED_SPAN
 * packets in flight, and maxWindowSize + 2 packets received and not read, twice as many with those behind a gap.
 */
export class Connection {
  readonly inbound: boolean
  readonly peer: Destination
  readonly localPort: number
  readonly remotePort: number
  readonly receiveStreamId: number
  readonly config: ConnectionConfig
  readonly createdAt: number
  #sendStreamId: number
  #state: ConnectionState
  #peerKey: VerifyingKey
  readonly #sender: Sender
  readonly #receiver: Receiver
  readonly #writer: PacketWriter
  readonly #events = new Set<ConnectionEvent>()
  readonly #inactivityTimeout: number | undefined
  readonly #wake: () => void
  readonly #timers = new TimerTable()
  readonly #asking: Asking | undefined
  #resetPending = false
  #resetSentAt = -Infinity
  #wantsDrain = false
  #abandoned = false
  #brokeOff = false
  #announced: ConnectionEvent[] = []

  constructor (init: ConnectionInit) {
    const { now, config } = init
    this.inbound = init.inbound
    this.peer = init.peer
    this.localPort = init.localPort
    this.remotePort = init.remotePort
    this.receiveStreamId = init.receiveStreamId
    this.config = config
    this.createdAt = now
    this.#sendStreamId = init.sendStreamId
    this.#peerKey = init.peerKey
    this.#sender = new Sender(config, init.jitter, this.#timers, init.shared)
    this.#receiver = new Receiver(config, this.#timers, init.budget)
    this.#asking = init.asks === true ? new Asking(this.#timers) : undefined
    this.#wake = init.wake ?? (() => {})
    this.#writer = new PacketWriter(this, init.identity)
    const { inactivityTimeout } = config
    this.#inactivityTimeout = inactivityTimeout === undefined ? undefined : inactivityTimeout + init.jitter * INACTIVITY_JITTER
    this.#sender.established = init.inbound
    this.#state = { name: init.inbound ? 'open' : 'connecting' }
    if (!init.inbound && config.connectTimeout !== undefined) this.#timers.set('connect', now + config.connectTimeout)
    this.#timers.set('start', now + (init.inbound ? SYN_REPLY_DELAY : Math.max(config.connectDelay, 0)))
    this.#heard(now)
  }

  get state (): ConnectionState { return this.#state }
  get sendStreamId (): number { return this.#sendStreamId }
  get peerKey (): VerifyingKey { return this.#peerKey }
  /** Bytes that write() would take. */
  get writableLength (): number { return this.#state.name === 'closed' ? 0 : this.#sender.room }
  /** Payload per packet as negotiated, bytes. */
  get maxMessageSize (): number { return this.#sender.maxMessageSize }
  /** The peer's CLOSE and everything before it arrived. */
  get ended (): boolean { return this.#receiver.complete }
  get statistics (): ConnectionStatistics { return statisticsOf(this.#sender, this.#receiver) }
  get acknowledgement (): { ackThrough: number, nacks: number[] } { return this.#receiver.acknowledgement() }
  /** Highest number up to which nothing is missing. */
  get contiguous (): number { return this.#receiver.contiguous }
  /** An unchoke waits to be transmitted, since the application has read. */
  get wantsTransmit (): boolean { return this.#receiver.unchokePending }
  /** The peer acknowledged something: it is where its SYN said it is. */
  get confirmed (): boolean { return this.#sender.confirmed }
  get sending (): boolean { return this.#sender.unacknowledged > 0 || this.#sender.buffered > 0 }
  /** It ended before everything was acknowledged. */
  get brokeOff (): boolean { return this.#brokeOff }
  get sendingState (): SendingState { return sendingStateOf(this.#sender) }

  /** What later connections to this peer start from; undefined before the first RTT sample. */
  get controlBlock (): SharedControlBlock | undefined {
    const { srtt, rttvar, latest, base } = this.#sender.rtt
    if (srtt === undefined || latest === undefined) return undefined
    return { rtt: srtt, rttvar, window: this.#sender.congestion.window, base, held: this.#sender.held }
  }

  inform (now: number, known: PathKnowledge, streams: number): void {
    this.#sender.inform(now, known, streams)
    this.#wake()
  }

  /** So many streams to this peer send, this one among them: it may take its part of what it was told of the path. */
  share (now: number, streams: number): void {
    this.#sender.share(now, streams)
    this.#wake()
  }

  /** Takes up to writableLength bytes without a copy, and returns how many. If not all, 'drain' follows. */
  write (now: number, data: Uint8Array): number {
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
    if (this.#state.name === 'closed') return 0
    const idle = this.#sender.buffered === 0
    const taken = this.#sender.write(bytes)
    if (idle) this.#armWriteTimeout(now)
    if (taken < bytes.length) this.#wantsDrain = true
    this.#startNow(now)
    this.#wake()
    return taken
  }

  /** No more data from us: CLOSE goes with the last packet; what comes from the peer is still received. */
  end (now: number): void {
    this.#sender.end()
    if (this.#timers.isSet('start')) this.#timers.set('start', now)
    this.#wake()
  }

  /** In-order bytes, as long as there are any. */
  read (now: number): Buffer | undefined {
    const chunk = this.#receiver.read()
    if (chunk === undefined || !this.#receiver.choking) return chunk
    this.#receiver.updateChoke(now)
    if (!this.#receiver.choking) this.#wake()
    return chunk
  }

  /** What arrives from now on is acknowledged and thrown away. */
  discard (): void { this.#receiver.discard() }

  /** The application is gone: what was written and end() are still delivered; data that comes after that gets a RESET. */
  abandon (now: number): void {
    this.#abandoned = true
    this.#receiver.discard()
    this.end(now)
  }

  /** Ends the stream at once, with a RESET if the peer knows it. */
  reset (_now: number, error = new StreamingError('STREAMING_ABORTED', 'the stream was reset by this side')): void {
    this.#receiver.discard()
    if (this.#state.name === 'closed') return
    if (this.#sendStreamId !== 0) this.#resetPending = true
    this.#close(error)
    this.#wake()
  }

  pollEvent (): ConnectionEvent | undefined {
    const event = this.#announced.shift()
    if (event !== undefined) this.#events.delete(event)
    return event
  }

  /**
   * The router says that our SYN will not arrive: for want of a LeaseSet of the peer (`unreachable`), or for now. It is sent
   * again sooner than its timer would; a peer that is still unknown then is given up.
   */
  undelivered (now: number, unreachable: boolean): void {
    if (this.#state.name !== 'connecting') return
    if (unreachable && now - this.createdAt >= UNREACHABLE_AFTER) {
      this.#close(new StreamingError('STREAMING_UNREACHABLE', 'the router finds no LeaseSet of the peer'))
    } else if (!this.#timers.isSet('repeat-syn')) this.#timers.set('repeat-syn', now + UNDELIVERED_RETRY)
    this.#wake()
  }

  repaired (now: number, packets: number): void { this.#sender.repaired(now, packets) }

  /** A packet with our stream ID; one that carries a wrong signature or a wrong peer changes nothing. */
  receive (now: number, packet: ReceivedPacket): void {
    if (this.#state.name === 'closed') return this.#afterClose(now, packet)
    if (!this.#authentic(packet)) return
    if (packet.reset) return this.#receiveReset()
    if (!this.#identify(now, packet)) return
    this.#heard(now)
    this.#sender.heard()
    this.#receiveOptions(now, packet)
    // Without the SYN reply nothing is acknowledged: the SYN must be repeated until that comes.
    if (!packet.noAck && packet.sendStreamId !== 0 && this.#sendStreamId !== 0) {
      this.#sender.acknowledge(now, packet.ackThrough, packet.nacks)
    }
    if (packet.sequence > 0 || packet.synchronize) {
      const accepted = this.#receiver.receive(now, packet.sequence, packet.payload, packet.close, packet.delay, this.#sender.rtt.srtt)
      // The peer repeats its SYN, so our reply to it is lost.
      if (accepted === 'duplicate' && packet.synchronize && this.inbound) this.#sender.repeatFirst()
      if (this.#receiver.readableCost > 0) this.#announce('readable')
      this.#endIfComplete()
    }
    this.#closeIfDone()
    // The peer has all of ours and goes on sending to nobody.
    if (this.#abandoned && packet.payload.length > 0 && this.#sender.half === 'closed' && !this.#receiver.complete) this.reset(now)
  }

  /** The next packet, signed where it must be; undefined when there is nothing to send now. */
  pollTransmit (now: number): Buffer | undefined {
    if (this.#resetPending) {
      this.#resetPending = false
      this.#resetSentAt = now
      return this.#writer.reset()
    }
    if (this.#state.name === 'closed' || !this.#mayStart(now)) return undefined
    this.#receiver.updateChoke(now)
    const sent = this.#sender.next(now)
    if (sent !== undefined) {
      this.#armInactivity(now)
      this.#armWriteTimeout(now)
      if (this.#wantsDrain && this.#sender.room >= this.config.bufferSize / 2) {
        this.#wantsDrain = false
        this.#announce('drain')
      }
      return this.#writer.data(sent, this.#receiver.acknowledged(now, false))
    }
    if (this.#asking?.take() === true) return this.#writer.question()
    if (this.#sendStreamId === 0 || !this.#receiver.ackDue(now)) return undefined
    const ack = this.#writer.ack(this.#receiver.acknowledged(now, true))
    this.#closeIfDone()
    return ack
  }

  nextTimeout (): number | undefined {
    if (this.#state.name === 'closed') return undefined
    // Before the SYN, and without the peer's stream ID, there is nothing to put an ACK into.
    return this.#timers.next(this.#sendStreamId === 0 || this.#timers.isSet('start') ? NOT_ACKNOWLEDGING : undefined)
  }

  /** Does what is due; then pollTransmit may have packets. */
  handleTimeout (now: number): void {
    // Closing stops them all, so that none acts after it.
    for (const timer of ACTING) if (this.#timers.expired(timer, now)) this.#expired(now, timer)
  }

  /** The SYN that created an inbound connection; its signature is verified already. */
  accept (now: number, syn: ReceivedPacket): void {
    this.#receiveOptions(now, syn)
    this.#receiver.receive(now, 0, syn.payload, syn.close, undefined, undefined)
    if (this.#receiver.readableCost > 0) this.#announce('readable')
    this.#endIfComplete()
  }

  // A packet of another peer, or without a right signature where one must be.
  #authentic (packet: ReceivedPacket): boolean {
    if (packet.from !== undefined && !packet.from.equals(this.peer)) return false
    if (this.#sendStreamId !== 0 && packet.receiveStreamId !== this.#sendStreamId && !(packet.reset && packet.receiveStreamId === 0)) {
      return false
    }
    const mustSign = packet.synchronize || packet.close || packet.reset
    return !mustSign || verifyPacket(packet, this.#peerKey)
  }

  /** The SYN reply tells the peer's stream ID; whatever overtakes it is kept without being acknowledged. */
  #identify (now: number, packet: ReceivedPacket): boolean {
    if (this.#state.name !== 'connecting' || !packet.synchronize) return true
    if (packet.from === undefined || packet.receiveStreamId === 0) return false
    this.#sendStreamId = packet.receiveStreamId
    this.#sender.established = true
    this.#state = { name: 'open' }
    this.#timers.stop('connect')
    this.#timers.stop('repeat-syn')
    this.#announce('connected')
    this.#receiver.ackSoon(now + SYN_REPLY_DELAY)
    return true
  }

  #receiveOptions (now: number, packet: ReceivedPacket): void {
    if (packet.maxPacketSize !== undefined) this.#negotiate(packet.maxPacketSize)
    if (packet.delay !== undefined) this.#sender.setChoked(now, packet.delay > MAX_DELAY)
  }

  #negotiate (size: number): void {
    this.#sender.maxMessageSize = Math.max(Math.min(size, this.config.maxMessageSize), MIN_MESSAGE_SIZE)
  }

  #receiveReset (): void {
    const code = this.#state.name === 'connecting' ? 'STREAMING_REFUSED' : 'STREAMING_RESET'
    this.#close(new StreamingError(code, 'the peer reset the stream'))
  }

  #afterClose (now: number, packet: ReceivedPacket): void {
    if (packet.reset || this.#sendStreamId === 0 || packet.sequence === 0) return
    if (now - this.#resetSentAt >= RESET_INTERVAL) this.#resetPending = true
  }

  #mayStart (now: number): boolean {
    return !this.#timers.isSet('start') || this.#timers.expired('start', now)
  }

  /** connectDelay ends when a packet is full; a SYN reply waits only for the first data. */
  #startNow (now: number): void {
    if (!this.#timers.isSet('start')) return
    if (this.inbound || this.#sender.buffered >= this.#sender.maxMessageSize) this.#timers.set('start', now)
  }

  /** Something arrived from the peer. */
  #heard (now: number): void {
    this.#armInactivity(now)
    if (this.#state.name !== 'open' || this.#receiver.complete) return
    this.#asking?.heard(now)
    const { readTimeout } = this.config
    if (readTimeout !== undefined) this.#timers.set('read', now + readTimeout)
  }

  #endIfComplete (): void {
    if (!this.#receiver.complete) return
    this.#timers.stop('read')
    this.#asking?.stop()
    this.#announce('end')
  }

  #armInactivity (now: number): void {
    if (this.#inactivityTimeout !== undefined && this.#state.name === 'open') this.#timers.set('inactivity', now + this.#inactivityTimeout)
  }

  #armWriteTimeout (now: number): void {
    const { writeTimeout } = this.config
    if (writeTimeout === undefined) return
    if (this.#sender.buffered > 0) this.#timers.set('write', now + writeTimeout)
    else this.#timers.stop('write')
  }

  #expired (now: number, timer: ActingTimer): void {
    switch (timer) {
      case 'connect': return this.#close(new StreamingError('STREAMING_CONNECT_TIMEOUT', 'the peer did not answer within connectTimeout'))
      case 'repeat-syn': return this.#sender.repeatFirst()
      case 'pace': return // pollTransmit asks the pacer again
      case 'reorder': return this.#sender.reorderExpired(now)
      case 'retransmit': return this.#failIf(this.#sender.retransmitExpired(now))
      case 'persist': return this.#failIf(this.#sender.persistExpired(now))
      case 'read': return this.#fail('STREAMING_READ_TIMEOUT', 'no data within readTimeout')
      case 'write': return this.#fail('STREAMING_WRITE_TIMEOUT', 'nothing was sent within writeTimeout')
      case 'ask': return this.#asking?.expired(now)
      case 'inactivity': return this.#inactive(now)
    }
  }

  #failIf (unanswered: boolean): void {
    if (unanswered) this.#fail('STREAMING_TIMEOUT', 'the peer does not answer')
  }

  #inactive (now: number): void {
    this.#armInactivity(now)
    if (this.config.inactivityAction === 0 || this.#sender.unacknowledged > 0) return
    // After our CLOSE nothing can be sent that the peer must acknowledge.
    if (this.config.inactivityAction === 2 && this.#sender.half === 'open') return this.#sender.keepAlive()
    this.#fail('STREAMING_INACTIVE', 'nothing was heard within inactivityTimeout')
  }

  #fail (code: ConstructorParameters<typeof StreamingError>[0], message: string): void {
    if (this.#sendStreamId !== 0) this.#resetPending = true
    this.#close(new StreamingError(code, message))
  }

  /** Both CLOSEs are through and the last ACK is sent. */
  #closeIfDone (): void {
    if (this.#sender.half === 'closed' && this.#receiver.complete && !this.#receiver.ackPending) this.#close()
  }

  #close (error?: StreamingError): void {
    this.#state = error === undefined ? { name: 'closed' } : { name: 'closed', error }
    this.#brokeOff = this.sending
    this.#sender.stop()
    this.#receiver.stop()
    this.#timers.stopAll()
    this.#announce('closed')
  }

  #announce (event: ConnectionEvent): void {
    if (this.#events.has(event)) return
    this.#events.add(event)
    this.#announced.push(event)
  }
}
