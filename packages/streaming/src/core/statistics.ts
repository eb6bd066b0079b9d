import type { Receiver, ReceiverStatistics } from './receiver.ts'
import type { Sender, SenderStatistics } from './sender.ts'

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
