import type { Bound } from '@minwww/i2cp'

/** Destinations that came with a base64 address or a datagram and need no look-up, of a session. */
export const MAX_KNOWN = 1_024
/** Sockets that receive datagrams, of a session. */
export const MAX_DATAGRAM_SOCKETS = 1_024
/** Datagrams of one socket that wait for the look-up of their Destination. */
export const MAX_WAITING_DATAGRAMS = 256
/** Streams to one host and port at a time, of the agent and of the dispatcher; what is more waits. */
export const DEFAULT_CONNECTIONS = 32

export const BOUNDS = {
  known: {
    name: 'Destinations known without a look-up',
    most: MAX_KNOWN,
    unit: 'Destinations',
    full: 'the one used longest ago is looked up again',
    kept: 'known.ts #byName'
  },
  datagramSockets: {
    name: 'datagram sockets',
    most: MAX_DATAGRAM_SOCKETS,
    unit: 'sockets',
    full: 'bind() fails with I2P_BUSY',
    kept: 'datagrams/hub.ts #sockets'
  },
  waitingDatagrams: {
    name: 'datagrams of a socket that wait for a look-up',
    most: MAX_WAITING_DATAGRAMS,
    unit: 'datagrams',
    full: 'send() fails with I2P_BUSY',
    kept: 'datagrams/socket.ts #waiting'
  }
} as const satisfies Record<string, Bound>
