import { ACK_REQUEST_INTERVAL, LOADED, MAX_EARLY_PACKETS, MAX_INFORMED_SPAN, MAX_SPAN } from './constants.ts'
import { CongestionController, isLoaded, MAX_RANDOM_LOSS } from './congestion.ts'
import type { PathState } from './congestion.ts'
import type { ConnectionConfig } from './config.ts'
import type { SharedControlBlock } from './control-blocks.ts'
import { DeliveryRate } from './delivery-rate.ts'
import { beginningOf, INFORMED_WINDOW, timeOf } from './knowledge.ts'
import type { PathKnowledge } from './knowledge.ts'
import { LossRatio } from './loss-ratio.ts'
import { Pacer } from './pacer.ts'
import { RttEstimator } from './rtt.ts'
import { Scoreboard } from './scoreboard.ts'
import type { SentPacket } from './scoreboard.ts'
import { segmentSize } from './segment-size.ts'
import { SendBuffer } from './send-buffer.ts'
import type { SenderStatistics } from './sender-statistics.ts'
import { Silence } from './silence.ts'
import type { TimerTable } from './timers.ts'

/** What parity repairs needs no haste: so many packets are looked at together, for chance not to look like a queue that overflows. */
const REPAIR_SAMPLE = 64
/** No packet and its ACK travel in less than this share of the base RTT, whatever the jitter. */
const FASTEST_SHARE = 0.7
/** 2 ** 9 times MIN_RTO is above MAX_RTO. */
const MAX_DOUBLINGS = 9
/** Timeouts are stretched by up to this share. */
const TIMEOUT_SPREAD = 1 / 4

/** The sending half of a stream: open, told to end, CLOSE sent, CLOSE acknowledged. */
export type SendHalf = 'open' | 'ending' | 'close-sent' | 'closed'

/** Windows, retransmission and loss of one direction, without packets' headers. Times in ms. */
export class Sender {
  half: SendHalf = 'open'
  /** The peer's stream ID is known, so more than the early packets may be sent. */
  established = false
  /** Payload per packet, bytes. */
  maxMessageSize: number
  readonly rtt: RttEstimator
  /** A queue stood when earlier streams sent to this peer. */
  readonly wasLoaded: boolean
  readonly congestion: CongestionController
  readonly statistics: SenderStatistics = {
    packetsSent: 0, bytesSent: 0, retransmissions: 0, fastRetransmissions: 0, timeouts: 0, chokesReceived: 0, spurious: 0
  }

  readonly #config: ConnectionConfig
  readonly #wasHeld: number | undefined // by earlier streams, if they met a queue
  readonly #buffer: SendBuffer
  readonly #board = new Scoreboard()
  readonly #pacer = new Pacer()
  readonly #rate = new DeliveryRate()
  readonly #loss = new LossRatio()
  readonly #repairs = new LossRatio(REPAIR_SAMPLE)
  #nextSequence = 0
  #order = 0
  /** Losses of packets sent before this transmission belong to a round that was answered. */
  #recoveryOrder = 0
  /** Losses that were repaired before then belong to a round that was answered, ms. */
  #repairedUntil = -Infinity
  readonly #timeouts = new Silence()
  #keepAlive = false
  #choked = false
  #probe = false
  /** Probes since the choke, for their back-off, and since the peer was last heard. */
  #probes = 0
  readonly #unanswered = new Silence()
  #confirmed = false
  #limited = false
  /** The first window is what the path holds by this, and need not be sent twice as fast. */
  #known: PathKnowledge | undefined
  /** Between the lowest packet that is not acknowledged and the highest. */
  #span = MAX_SPAN
  /** Stretches the timeouts of this stream, so that streams that lost their packets together do not repeat them together. */
  readonly #spread: number
  readonly #timers: TimerTable

  /** `jitter`: 0..1. */
  constructor (config: ConnectionConfig, jitter: number, timers: TimerTable, shared?: SharedControlBlock) {
    this.#config = config
    this.#timers = timers
    this.#spread = 1 + jitter * TIMEOUT_SPREAD
    this.#buffer = new SendBuffer(config.bufferSize)
    this.maxMessageSize = config.initialMessageSize
    this.rtt = new RttEstimator(config.initialRto, shared)
    this.wasLoaded = shared?.base !== undefined && shared.rtt > LOADED * shared.base
    this.#wasHeld = shared !== undefined && isLoaded({ srtt: shared.rtt, base: shared.base, rate: 0, loss: 0 }) ? shared.held : undefined
    this.congestion = new CongestionController({
      initialWindow: config.initialWindow,
      maxWindow: config.maxWindow,
      slowStartFactor: config.slowStartGrowthRateFactor,
      avoidanceFactor: config.congestionAvoidanceGrowthRateFactor
    }, shared?.window)
  }

  /** What others know of the path, before this stream has measured it. `streams`: those to this peer that send, this one among them. */
  inform (now: number, known: PathKnowledge, streams: number): void {
    if (this.#confirmed) return
    const beginning = beginningOf(known, streams)
    // Behind a bottleneck the first packets that are lost would then lower a window that is right.
    if (known.loss !== undefined && beginning === undefined) this.#loss.inform(known.loss)
    const window = Math.max(this.congestion.window, beginning?.window ?? 0)
    if (known.rtt !== undefined) this.rtt.inform(known.rtt, known.rttvar ?? known.rtt / 2, timeOf(known, window * streams))
    if (beginning !== undefined) {
      this.#known = known
      // Who has set a smaller one wants it.
      const isLarge = this.#config.maxWindow >= MAX_SPAN
      if (isLarge) this.#span = MAX_INFORMED_SPAN
      this.congestion.inform(0, isLarge ? INFORMED_WINDOW : 0)
      this.share(now, streams)
    }
    if (!this.#timers.isSet('retransmit')) return
    this.#timers.stop('retransmit')
    this.#arm(now)
  }

  /** Of what is known of the path, this stream's part where so many send. */
  share (now: number, streams: number): void {
    const beginning = this.#known && beginningOf(this.#known, streams)
    if (beginning === undefined) return
    this.congestion.inform(beginning.window, 0)
    this.#pacer.limit(now, beginning.burst)
    this.#pacer.update(now, this.congestion.window, this.rtt.srtt, false)
  }

  get room (): number { return this.half === 'open' ? this.#buffer.room : 0 }
  get buffered (): number { return this.#buffer.length }
  get inFlight (): number { return this.#board.inFlight }
  get unacknowledged (): number { return this.#board.size }
  get confirmed (): boolean { return this.#confirmed }
  get choked (): boolean { return this.#choked }
  /** A queue stands on the path, or nothing is known of it. */
  get loaded (): boolean { return isLoaded(this.#path()) }
  /** Packets that the path carries in its least RTT; undefined where no window or no queue shows that this is what limits the stream. */
  get held (): number | undefined {
    if (this.rtt.latest === undefined) return this.#wasHeld
    if (!this.loaded) return undefined
    const carried = this.#rate.rate * (this.rtt.base ?? 0)
    if (!this.congestion.slowStart && carried > 0) return carried
    return this.#wasHeld === undefined ? undefined : Math.max(this.#wasHeld, carried)
  }

  write (data: Buffer): number { return this.half === 'open' ? this.#buffer.write(data) : 0 }

  end (): void { if (this.half === 'open') this.half = 'ending' }

  /** Sends an empty packet that must be acknowledged, to learn whether the peer lives. */
  keepAlive (): void { this.#keepAlive = true }

  /** Sends the SYN again, unless it is acknowledged. */
  repeatFirst (): void {
    const lowest = this.#board.lowest
    if (lowest?.synchronize === true) this.#board.markLost(lowest)
  }

  /** No more of anything: after a reset or a failure. */
  stop (): void {
    this.#buffer.clear()
    this.#board.clear()
  }

  /** The packet to transmit now, recorded as sent; undefined when there is none or it must wait. */
  next (now: number): SentPacket | undefined {
    this.#timers.stop('pace')
    const lost = this.#choked ? undefined : this.#board.nextLost()
    if (this.#probe) return this.#sendProbe(now)
    if (lost === undefined && !this.#hasNew()) {
      this.#limited = false
      return undefined
    }
    if (!this.#windowOpen(lost === undefined)) {
      this.#limited = true
      // What was written after the choke is probed for as well.
      if (this.#choked) this.#arm(now)
      return undefined
    }
    const paced = this.#pacer.availableAt(now)
    if (paced > now) {
      this.#limited = true
      this.#timers.set('pace', paced)
      return undefined
    }
    this.#pacer.take(now)
    return lost === undefined ? this.#sendNew(now) : this.#resend(now, lost)
  }

  /** Anything at all arrived from the peer: it lives. */
  heard (): void { this.#unanswered.end() }

  acknowledge (now: number, ackThrough: number, nacks: readonly number[]): void {
    if (ackThrough >= this.#nextSequence) return // acknowledges what was never sent
    const limited = this.#limited || this.#board.inFlight >= this.congestion.window
    const { acked, newest } = this.#board.acknowledge(now, ackThrough, nacks)
    if (newest !== undefined) {
      this.#timeouts.end()
      this.#confirmed = true
      this.#sampleRtt(now, acked, newest)
      this.#rate.acknowledge(now, acked.length, newest)
      this.#loss.count(acked.length, 0)
      this.#repairs.count(acked.length, 0)
      if (!this.#choked) this.congestion.acknowledged(acked.length, limited, this.#path())
      if (this.half === 'close-sent' && this.#board.size === 0) this.half = 'closed'
      this.#timers.stop('retransmit')
    }
    this.#detectLosses(now)
    this.#arm(now)
    this.#pacer.update(now, this.congestion.window, this.rtt.srtt, this.congestion.slowStart)
  }

  /** The peer's buffer is full, or has room again. Streaming document, "Transmit/Receive Windows and Choking". */
  setChoked (now: number, choked: boolean): void {
    if (choked === this.#choked) return
    this.#choked = choked
    this.#timers.stop('retransmit')
    this.#timers.stop('persist')
    this.#probe = false
    this.#probes = 0
    this.#unanswered.end()
    if (choked) {
      this.statistics.chokesReceived += 1
      this.#timers.stop('reorder')
    } else {
      // What was in flight when the peer had no room was mostly thrown away there.
      this.#board.markAllLost()
      this.congestion.unchoked()
    }
    this.#arm(now)
  }

  /**
   * Packets were lost and rebuilt at the peer, which has acknowledged them: a loss all the same, of which the window is told once in a
   * round trip (RFC 9265). It falls where a queue stands, or so many are lost that one must; without one they are lost by chance, and
   * what came of a window that was not full says nothing of what the path carries.
   */
  repaired (now: number, packets: number): void {
    this.#repairs.count(0, packets)
    if (this.#choked || now < this.#repairedUntil || !this.#limited || !this.loaded) return
    this.#repairedUntil = now + (this.rtt.srtt ?? this.rtt.rto)
    this.#recoveryOrder = this.#order
    this.congestion.lost(this.#path())
  }

  /** The timer 'reorder' has expired. */
  reorderExpired (now: number): void { this.#detectLosses(now) }

  /** The timer 'retransmit' has expired. Returns true when the peer does not answer any more. */
  retransmitExpired (now: number): boolean {
    const lowest = this.#board.lowest
    if (lowest === undefined) return false
    this.statistics.timeouts += 1
    if (this.#timeouts.tried(now, this.#config, lowest.sends)) return true
    if (this.#timeouts.tries === 1 || !this.#confirmed) {
      // Tail loss: one packet tells what arrived, and the rest of the window is not thrown away for it. Before the first
      // ACK the same: that the round trip is longer than the initial RTO is as likely as a loss.
      this.#board.markLost(lowest)
    } else {
      this.congestion.timedOut(this.#path())
      this.#board.markAllLost()
      this.#recoveryOrder = this.#order
    }
    this.#arm(now)
    return false
  }

  /** The timer 'persist' has expired. Returns true when the peer does not answer any more. */
  persistExpired (now: number): boolean {
    this.#probes += 1
    if (this.#unanswered.tried(now, this.#config)) return true
    this.#probe = true
    this.#arm(now)
    return false
  }

  #sendProbe (now: number): SentPacket | undefined {
    this.#probe = false
    const lowest = this.#board.lowest
    if (lowest !== undefined) return this.#resend(now, lowest)
    return this.#hasNew() ? this.#sendNew(now) : undefined
  }

  #hasNew (): boolean {
    return this.#nextSequence === 0 || this.#buffer.length > 0 || this.half === 'ending' || this.#keepAlive
  }

  #windowOpen (fresh: boolean): boolean {
    if (this.#choked) return false
    if (this.#board.inFlight >= this.congestion.window) return false
    if (!fresh) return true
    if (!this.established && this.#nextSequence >= Math.min(this.congestion.window, MAX_EARLY_PACKETS)) return false
    const lowest = this.#board.lowest
    return lowest === undefined || this.#nextSequence - lowest.sequence < this.#span
  }

  #sendNew (now: number): SentPacket {
    if (this.#nextSequence === 0) this.#pacer.update(now, this.congestion.window, this.rtt.srtt, this.#known === undefined)
    const payload = this.#buffer.take(segmentSize(this.maxMessageSize))
    const close = this.half === 'ending' && this.#buffer.length === 0
    if (close) this.half = 'close-sent'
    this.#keepAlive = false
    const packet: SentPacket = {
      sequence: this.#nextSequence++,
      payload,
      synchronize: this.#nextSequence === 1,
      close,
      firstSentAt: now,
      sentAt: now,
      order: this.#order++,
      sends: 1,
      immediate: false,
      rate: this.#rate.stamp(now, this.#board.inFlight),
      lost: false,
      evidence: 0,
      evidenceAt: 0,
      suspectedAt: 0
    }
    this.#board.add(packet)
    packet.immediate = this.#wantsAck(packet)
    this.statistics.bytesSent += payload.length
    return this.#sent(now, packet)
  }

  #resend (now: number, packet: SentPacket): SentPacket {
    this.statistics.retransmissions += 1
    if (packet.evidence > 0) this.statistics.fastRetransmissions += 1
    this.#board.resent(packet, now, this.#order++, this.#rate.stamp(now, this.#board.inFlight))
    packet.immediate = true
    return this.#sent(now, packet)
  }

  #sent (now: number, packet: SentPacket): SentPacket {
    this.statistics.packetsSent += 1
    this.#arm(now)
    return packet
  }

  /** The peer does not know our window, so it is told when an ACK is due (as Java), and at the end of a burst. */
  #wantsAck (packet: SentPacket): boolean {
    const window = this.congestion.window
    const remaining = window - this.#board.inFlight
    if (packet.close || packet.synchronize || packet.sequence % ACK_REQUEST_INTERVAL === 0) return true
    if (remaining < 3 || remaining < (window + 2) / 3) return true
    if (this.#config.profile === 'interactive') return true
    return this.#buffer.length === 0 && this.#board.inFlight > 2
  }

  #sampleRtt (now: number, acked: SentPacket[], newest: SentPacket): void {
    const fastest = (this.rtt.base ?? 0) * FASTEST_SHARE
    for (const packet of acked) {
      // The peer may have made us repeat the SYN, which says nothing of the path.
      if (packet.synchronize || packet.sends === 1 || now - packet.sentAt >= fastest) continue
      this.statistics.spurious += 1
      this.#board.spurious(now, packet)
    }
    if (newest.sends > 1) {
      // Karn: ambiguous. Only while nothing is known, the time since the first transmission is better than nothing.
      this.rtt.provisional(now - acked[0]!.firstSentAt)
      return
    }
    const ms = now - newest.sentAt
    // The ACK of a packet that did not ask for one may have been delayed: it can lower the estimate, not raise it.
    if (!newest.immediate && this.rtt.srtt !== undefined && ms > this.rtt.srtt) return
    this.rtt.sample(now, ms)
  }

  #detectLosses (now: number): void {
    this.#timers.stop('reorder')
    if (this.#choked) return
    const srtt = this.rtt.srtt ?? this.rtt.rto
    const { lost, nextAt } = this.#board.detectLosses(now, (this.rtt.base ?? srtt) / 4, srtt)
    if (nextAt !== undefined) this.#timers.set('reorder', nextAt)
    this.#loss.count(0, lost.length)
    if (lost.some(packet => packet.order >= this.#recoveryOrder)) {
      this.#recoveryOrder = this.#order
      this.#board.roundLost()
      this.congestion.lost(this.#path())
    }
  }

  /** Starts the retransmission timer, or while choked the persist timer, unless it runs. */
  #arm (now: number): void {
    const timer = this.#choked ? 'persist' : 'retransmit'
    const waiting = this.#choked ? this.#board.size > 0 || this.#hasNew() : this.#board.size > 0
    if (!waiting) return this.#timers.stop(timer)
    if (this.#timers.isSet(timer)) return
    // The first timeout repeats one packet; from the second on the time doubles.
    const doublings = this.#choked ? Math.min(this.#probes, MAX_DOUBLINGS) : Math.max(this.#timeouts.tries - 1, 0)
    const longest = (this.#choked ? this.#unanswered : this.#timeouts).longest(this.#config)
    this.#timers.set(timer, now + Math.min(this.rtt.rto * 2 ** doublings * this.#spread, longest))
  }

  /** What was rebuilt is in the delivery rate, so it counts only where it is too much to be chance. */
  get #lossRatio (): number {
    return this.#repairs.value < MAX_RANDOM_LOSS ? this.#loss.value : Math.min(this.#loss.value + this.#repairs.value, 1)
  }

  #path (): PathState {
    return { srtt: this.rtt.srtt, base: this.rtt.base, rate: this.#rate.rate, loss: this.#lossRatio }
  }
}
