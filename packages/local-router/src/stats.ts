/** Counters of the I2CP server since its start; those of the network are `network.stats`. */
export interface RouterStats {
  connections: number
  connectionsRefused: number
  sessions: number
  sessionsCreated: number
  leaseSets: number
  lookups: number
  messagesFromClients: number
  /** Answered with a failure, or not at all, before they reached the network. */
  messagesRejected: number
  messagesToClients: number
  /** Dropped because the client did not read; see the option `sendQueue`. */
  sendQueueDrops: number
  protocolErrors: number
}

export function newStats (): RouterStats {
  return {
    connections: 0,
    connectionsRefused: 0,
    sessions: 0,
    sessionsCreated: 0,
    leaseSets: 0,
    lookups: 0,
    messagesFromClients: 0,
    messagesRejected: 0,
    messagesToClients: 0,
    sendQueueDrops: 0,
    protocolErrors: 0
  }
}
