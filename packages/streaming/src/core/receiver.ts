import { DELAY_CHOKE, MAX_DELAY } from '../packet/constants.ts'
import {
  BURST_GAP_RTT_SHARE, IMMEDIATE_ACK_DELAY, IMMEDIATE_ACK_RTT_SHARE, MAX_BURST_GAP, MAX_INFORMED_SPAN, MAX_REQUESTED_ACK_DELAY,
  MIN_BURST_GAP, UNCHOKE_INTERVAL, UNCHOKE_REPEATS, UNKNOWN_RTT_ACK_DELAY
} from './constants.ts'
import type { ConnectionConfig } from './config.ts'
import { GapReports } from './gap-reports.ts'
import { PACKET_OVERHEAD, Reassembly } from './reassembly.ts'
import type { ReceiveBudget } from './receive-budget.ts'
import type { Accepted } from './reassembly.ts'
import { ACKNOWLEDGING } from './timers.ts'
import type { TimerTable } from './timers.ts'

/** Choke when the application leaves more than this share of the buffer unread, and unchoke below that share. */
const CHOKE_SHARE = 1 / 2
const UNCHOKE_SHARE = 1 / 4
/** So many packets after an unchoke show that the peer has seen it. */
const PACKETS_AFTER_UNCHOKE = 4
/** Sequence numbers accepted ahead of the first missing one: as many as an informed stream sends, and i2pd. */
export const RECEIVE_SPAN = MAX_INFORMED_SPAN

export interface ReceiverStatistics {
  packetsReceived: number
  bytesReceived: number
  duplicates: number
  /** Packets for which there was no room. */
  overflows: number
  chokesSent: number
}

/** Reassembly, the time of the next ACK, and choking of one direction. Times in ms. */
export class Receiver {
  readonly statistics: ReceiverStatistics = { packetsReceived: 0, bytesReceived: 0, duplicates: 0, overflows: 0, chokesSent: 0 }
  readonly #config: ConnectionConfig
  readonly #reassembly: Reassembly
  readonly #timers: TimerTable
  #lastAckAt = -Infinity
  #unacked = 0
  #choking = false
  #unchokesLeft = 0
  /** New packets since the unchoke: one may be a probe of a peer that missed it. */
  #sinceUnchoke = 0
  #everChoked = false
  readonly #gaps: GapReports

  constructor (config: ConnectionConfig, timers: TimerTable, budget?: ReceiveBudget) {
    this.#config = config
    this.#timers = timers
    this.#gaps = new GapReports(timers)
    const limit = (config.maxWindow + 2) * (config.maxMessageSize + PACKET_OVERHEAD)
    this.#reassembly = new Reassembly(limit, RECEIVE_SPAN, budget, 2 * limit)
  }

  /** The peer's CLOSE and all before it has arrived. */
  get complete (): boolean { return this.#reassembly.complete }
  get readableCost (): number { return this.#reassembly.readableCost }
  get choking (): boolean { return this.#choking }
  get contiguous (): number { return Math.max(this.#reassembly.next - 1, 0) }
  get unchokePending (): boolean { return this.#unchokesLeft === UNCHOKE_REPEATS }
  get ackPending (): boolean { return this.#timers.isSet('ack') }

  /** A packet that counts: every one but a plain ACK. `delay` is its option. */
  receive (now: number, sequence: number, payload: Buffer, close: boolean, delay: number | undefined, srtt: number | undefined): Accepted {
    const gap = this.#reassembly.hasGap
    const accepted = this.#reassembly.accept(sequence, payload)
    if (accepted === 'full') {
      this.statistics.overflows += 1
      this.#choking = true
      this.#ackBy(now)
      return accepted
    }
    if (close) this.#reassembly.close(sequence)
    if (accepted === 'duplicate') {
      this.statistics.duplicates += 1
      this.#gaps.duplicate(sequence)
      // The sender may have lost our ACK: answer, but a burst of duplicates only once.
      this.#ackBy(Math.max(now, this.#lastAckAt + this.#promptDelay(srtt)))
      return accepted
    }
    this.statistics.packetsReceived += 1
    this.statistics.bytesReceived += payload.length
    this.#unacked += 1
    this.#stopUnchoking()
    this.#gaps.received(now, sequence, srtt)
    this.#scheduleAck(now, delay, gap || this.#reassembly.hasGap || close, srtt)
    return accepted
  }

  read (): Buffer | undefined { return this.#reassembly.read() }

  discard (): void { this.#reassembly.discard() }

  acknowledgement (): { ackThrough: number, nacks: number[] } {
    const { ackThrough, nacks } = this.#reassembly.acknowledgement()
    return { ackThrough: Math.max(ackThrough, 0), nacks }
  }

  /** Looks whether the application reads; call before packets are built. */
  updateChoke (now: number): void {
    const { readableCost, limit } = this.#reassembly
    if (!this.#choking && readableCost > limit * CHOKE_SHARE) {
      this.#choking = true
      this.#ackBy(now)
    } else if (this.#choking && readableCost <= limit * UNCHOKE_SHARE) {
      this.#choking = false
      this.#unchokesLeft = UNCHOKE_REPEATS
      this.#timers.set('unchoke', now)
      this.#sinceUnchoke = 0
    }
  }

  /** A plain ACK is due. */
  ackDue (now: number): boolean {
    return ACKNOWLEDGING.some(timer => this.#timers.isExpired(timer, now))
  }

  ackSoon (now: number): void { this.#ackBy(now) }

  /**
   * Every packet carries an ACK. Returns the delay option it must carry: choke, unchoke, or none. A plain ACK says
   * "unchoke" for ever after a choke, since a peer that missed all of them would stay choked; there it asks for nothing.
   */
  acknowledged (now: number, plain: boolean): number | undefined {
    this.#timers.stop('ack')
    this.#timers.stop('quiet')
    this.#lastAckAt = now
    this.#unacked = 0
    this.#gaps.reported(now)
    if (this.#choking) {
      this.statistics.chokesSent += 1
      this.#everChoked = true
      return DELAY_CHOKE
    }
    if (this.#unchokesLeft === 0) return plain && this.#everChoked ? 0 : undefined
    this.#unchokesLeft -= 1
    if (this.#unchokesLeft > 0) this.#timers.set('unchoke', now + UNCHOKE_INTERVAL)
    else this.#timers.stop('unchoke')
    return 0
  }

  /** No more packets; what is in order can still be read. */
  stop (): void {
    this.#gaps.stop()
    this.#reassembly.stop()
  }

  #stopUnchoking (): void {
    this.#sinceUnchoke += 1
    if (this.#sinceUnchoke < PACKETS_AFTER_UNCHOKE) return
    this.#timers.stop('unchoke')
    this.#unchokesLeft = 0
  }

  #ackBy (at: number): void { this.#timers.set('ack', Math.min(this.#timers.at('ack') ?? Infinity, at)) }

  /**
   * Soon for a gap, a CLOSE, on request and from the second packet on, that is at the end of the burst; a lone packet waits for
   * data to carry the ACK. The RTT alone would not do: who only receives knows it from the SYN, which may have waited for the peer.
   */
  #scheduleAck (now: number, delay: number | undefined, urgent: boolean, srtt: number | undefined): void {
    if (urgent || delay === 0 || this.#unacked > 1 || this.#config.profile === 'interactive') {
      this.#ackBy(now + this.#promptDelay(srtt))
      this.#timers.set('quiet', now + Math.min(Math.max((srtt ?? 0) * BURST_GAP_RTT_SHARE, MIN_BURST_GAP), MAX_BURST_GAP))
    } else if (delay !== undefined && delay <= MAX_DELAY) this.#ackBy(now + Math.min(delay, MAX_REQUESTED_ACK_DELAY))
    else this.#ackBy(now + Math.max(this.#config.initialAckDelay, 0))
  }

  #promptDelay (srtt: number | undefined): number {
    const limit = srtt === undefined ? UNKNOWN_RTT_ACK_DELAY : IMMEDIATE_ACK_DELAY
    return Math.min(limit, (srtt ?? this.#config.initialRtt) * IMMEDIATE_ACK_RTT_SHARE)
  }
}
