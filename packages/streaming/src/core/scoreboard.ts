import { FAST_RETRANSMIT_THRESHOLD } from './constants.ts'
import type { RateStamp } from './delivery-rate.ts'

/** In every round with loss the patience for reordering shrinks by this: one late packet is not remembered for ever. */
const REORDERING_DECAY = 0.98
const LATENESS_MARGIN = 1.25

/** A packet that was sent and is not acknowledged. Times in ms. */
export interface SentPacket {
  readonly sequence: number
  readonly payload: Buffer
  readonly synchronize: boolean
  readonly close: boolean
  readonly firstSentAt: number
  sentAt: number
  /** Number of the transmission, over all packets: who was sent after whom. */
  order: number
  sends: number
  /** Asked for an ACK at once, so its time is a clean RTT sample. */
  immediate: boolean
  rate: RateStamp
  /** Counts as no longer in the network; to be sent again. */
  lost: boolean
  /** Packets acknowledged that were sent later. */
  evidence: number
  /** When the first of them was acknowledged. */
  evidenceAt: number
  /** `evidenceAt` of the transmission before this one. */
  suspectedAt: number
}

export interface AckResult {
  /** Newly acknowledged, ascending. */
  acked: SentPacket[]
  /** The one sent last of them. */
  newest: SentPacket | undefined
}

/**
 * What is in flight. A packet is lost when three packets sent after it are acknowledged, and as much time has passed
 * as the path was seen to reorder (RFC 8985). This covers NACKs (Java's three), and a retransmission lost again.
 * Bound: the sender keeps at most MAX_SPAN packets here.
 */
export class Scoreboard {
  /** Ascending by sequence. */
  #packets: SentPacket[] = []
  #lostCount = 0
  /** How late a packet came after one that was sent later, ms. */
  #reordering = 0
  #highestAckedOrder = -1

  get size (): number { return this.#packets.length }
  /** Sent and neither acknowledged nor lost. */
  get inFlight (): number { return this.#packets.length - this.#lostCount }
  get lowest (): SentPacket | undefined { return this.#packets[0] }
  get highest (): SentPacket | undefined { return this.#packets.at(-1) }
  get reordering (): number { return this.#reordering }

  add (packet: SentPacket): void { this.#packets.push(packet) }

  /** Takes out what an ACK covers. `nacks` need no order. */
  acknowledge (now: number, ackThrough: number, nacks: readonly number[]): AckResult {
    const acked: SentPacket[] = []
    if (this.#packets.length === 0 || ackThrough < this.#packets[0]!.sequence) return { acked, newest: undefined }
    const missing = new Set(nacks)
    const kept: SentPacket[] = []
    for (const packet of this.#packets) {
      if (packet.sequence <= ackThrough && !missing.has(packet.sequence)) acked.push(packet)
      else kept.push(packet)
    }
    if (acked.length === 0) return { acked, newest: undefined }
    this.#packets = kept
    let newest = acked[0]!
    for (const packet of acked) {
      if (packet.lost) this.#lostCount -= 1
      if (packet.order > newest.order) newest = packet
      this.#noticeReordering(now, packet)
    }
    // A SYN that the peer made us repeat: it is the first one that was acknowledged as likely as the last.
    const certain = acked.filter(({ synchronize, sends }) => !synchronize || sends === 1)
    for (const { order } of certain) this.#highestAckedOrder = Math.max(this.#highestAckedOrder, order)
    this.#addEvidence(now, certain)
    return { acked, newest }
  }

  /**
   * Marks what is lost at `now`; `patience` (ms) is waited where fewer than three later packets are acknowledged, and
   * no wait is longer than `limit` (ms). Returns the packets newly marked, and when to look again.
   */
  detectLosses (now: number, patience: number, limit: number): { lost: SentPacket[], nextAt: number | undefined } {
    const lost: SentPacket[] = []
    let nextAt: number | undefined
    for (const packet of this.#packets) {
      if (packet.lost || packet.evidence === 0) continue
      const wait = packet.evidence >= FAST_RETRANSMIT_THRESHOLD ? this.#reordering : Math.max(this.#reordering, patience)
      const at = packet.evidenceAt + Math.min(wait, limit)
      if (at <= now) {
        this.markLost(packet)
        lost.push(packet)
      } else {
        nextAt = Math.min(nextAt ?? Infinity, at)
      }
    }
    return { lost, nextAt }
  }

  markLost (packet: SentPacket): void {
    if (packet.lost) return
    packet.lost = true
    this.#lostCount += 1
  }

  markAllLost (): void {
    for (const packet of this.#packets) this.markLost(packet)
  }

  /** The lowest packet to send again. */
  nextLost (): SentPacket | undefined {
    return this.#lostCount === 0 ? undefined : this.#packets.find(packet => packet.lost)
  }

  resent (packet: SentPacket, now: number, order: number, rate: RateStamp): void {
    if (packet.lost) this.#lostCount -= 1
    const suspectedAt = packet.evidence > 0 ? packet.evidenceAt : now
    Object.assign(packet, { lost: false, evidence: 0, evidenceAt: 0, suspectedAt, sentAt: now, order, rate, sends: packet.sends + 1 })
  }

  clear (): void {
    this.#packets = []
    this.#lostCount = 0
  }

  /** A round with loss ends. */
  roundLost (): void { this.#reordering *= REORDERING_DECAY }

  /** It came although later ones came first: the path reorders, so wait longer before calling a packet lost. */
  #noticeReordering (now: number, packet: SentPacket): void {
    if (packet.evidence > 0 && packet.sends === 1) this.#late(now - packet.evidenceAt)
  }

  /** A retransmission was acknowledged sooner than it can have travelled: the transmission before it was only late. */
  spurious (now: number, packet: SentPacket): void { this.#late(now - packet.suspectedAt) }

  #late (ms: number): void { this.#reordering = Math.max(this.#reordering, LATENESS_MARGIN * ms) }

  #addEvidence (now: number, acked: SentPacket[]): void {
    for (const packet of this.#packets) {
      if (packet.lost || packet.order > this.#highestAckedOrder) continue
      const later = acked.reduce((count, other) => count + (other.order > packet.order ? 1 : 0), 0)
      if (later === 0) continue
      if (packet.evidence === 0) packet.evidenceAt = now
      packet.evidence += later
    }
  }
}
