import { LOADED } from './constants.ts'
import type { Receiver, ReceiverStatistics } from './receiver.ts'
import type { Sender } from './sender.ts'
import type { SenderStatistics } from './sender-statistics.ts'

/** A snapshot of one connection. Times in ms, windows in packets. */
export interface ConnectionStatistics extends SenderStatistics, ReceiverStatistics {
  /** Smoothed RTT; undefined before the first ACK. */
  readonly rtt: number | undefined
  readonly rttvar: number
  readonly rto: number
  readonly window: number
  readonly inFlight: number
  readonly unacknowledged: number
  /** Bytes accepted and not yet sent. */
  readonly buffered: number
  readonly choked: boolean
  readonly choking: boolean
}

/** What a layer beneath asks of a stream when one of its packets leaves. */
export interface SendingState {
  /** Smoothed RTT, ms. */
  readonly rtt: number | undefined
  /** More was written and waits. */
  readonly hasMore: boolean
  /** A queue stands on the path. */
  readonly isLoaded: boolean
  /** One stood when earlier streams sent to this peer. */
  readonly wasLoaded?: boolean
  /** Packets that the path carries in its least RTT, where that is what limits the stream. */
  readonly held?: number | undefined
}

export function sendingStateOf ({ rtt: { srtt, base }, buffered, wasLoaded, held }: Sender): SendingState {
  const isLoaded = srtt !== undefined && base !== undefined && srtt > base * LOADED
  return { rtt: srtt, hasMore: buffered > 0, isLoaded, wasLoaded, held }
}

export function statisticsOf (sender: Sender, receiver: Receiver): ConnectionStatistics {
  return {
    ...sender.statistics,
    ...receiver.statistics,
    rtt: sender.rtt.srtt,
    rttvar: sender.rtt.rttvar,
    rto: sender.rtt.rto,
    window: sender.congestion.window,
    inFlight: sender.inFlight,
    unacknowledged: sender.unacknowledged,
    buffered: sender.buffered,
    choked: sender.choked,
    choking: receiver.choking
  }
}
