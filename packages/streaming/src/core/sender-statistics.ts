/** What a sender has counted of its direction. */
export interface SenderStatistics {
  packetsSent: number
  bytesSent: number
  retransmissions: number
  fastRetransmissions: number
  timeouts: number
  chokesReceived: number
  spurious: number
}
