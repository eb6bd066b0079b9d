import type { Bound } from '@minwww/i2cp/codec'
import { MAX_INCOMPLETE } from './network/i2pd/endpoint.ts'
import { MAX_QUEUE as MAX_LINK_QUEUE } from './network/i2pd/link.ts'
import { MAX_QUEUE as MAX_GATEWAY_QUEUE } from './network/java/gateway.ts'
import { NETWORK_DEFAULTS } from './network/options.ts'
import { SERVER_DEFAULTS } from './options.ts'
import { MAX_CONTACTS } from './session.ts'
import { MAX_MESSAGES } from './waiting-room.ts'

export const BOUNDS = {
  connections: {
    name: 'connections of clients',
    most: SERVER_DEFAULTS.maxConnections,
    unit: 'connections',
    full: 'closed',
    kept: 'router.ts #connections'
  },
  sessions: {
    name: 'sessions of a connection',
    most: SERVER_DEFAULTS.maxSessionsPerConnection,
    unit: 'sessions',
    full: 'CreateSession is refused',
    kept: 'connection.ts sessions; session-table.ts #byKey #ids; netdb.ts #leaseSets'
  },
  lookups: {
    name: 'look-ups of a connection',
    most: SERVER_DEFAULTS.maxLookups,
    unit: 'look-ups',
    full: 'answered at once: not found',
    kept: 'connection.ts lookups'
  },
  sendQueue: {
    name: 'bytes that a client has not read',
    most: SERVER_DEFAULTS.sendQueue,
    unit: 'bytes',
    full: 'payloads are dropped; at twice as much the client is disconnected',
    kept: 'connection.ts'
  },
  contacts: {
    name: 'peers that a session has told its LeaseSet',
    most: MAX_CONTACTS,
    unit: 'peers',
    full: 'the oldest is forgotten',
    kept: 'session.ts #contacts'
  },
  waiting: {
    name: 'messages that wait for a LeaseSet',
    most: MAX_MESSAGES,
    unit: 'messages',
    full: 'sent on at once, with status 21; also above 8 MB, and 256 of one Destination',
    kept: 'waiting-room.ts #queues'
  },
  destinations: {
    name: 'Destinations of the network, and paths of one',
    most: NETWORK_DEFAULTS.maxDestinations,
    unit: 'Destinations',
    full: 'the oldest is forgotten',
    kept: 'network/i2pd/ratchets.ts #sessions #unused #forgotten #sent #known; network/model.ts #destinations; ' +
      'network/destination.ts #paths'
  },
  inFlight: {
    name: 'messages in flight',
    most: NETWORK_DEFAULTS.maxInFlight,
    unit: 'messages',
    full: 'lost; also above 512 MB, and 64 MB of one Destination',
    kept: 'network/model.ts #deliveries; network/event-queue.ts #heap; network/runs.ts #runs; network/plain.ts #runs; ' +
      'network/i2pd/transport.ts #runs; network/i2pd/tails.ts #deadlines; network/java/transport.ts #events'
  },
  link: {
    name: 'messages that wait on a link of i2pd',
    most: MAX_LINK_QUEUE,
    unit: 'messages',
    full: 'the routers end their session, as i2pd does',
    kept: 'network/i2pd/link.ts #queue'
  },
  incomplete: {
    name: 'messages that wait for fragments',
    most: MAX_INCOMPLETE,
    unit: 'messages',
    full: 'the oldest is forgotten',
    kept: 'network/i2pd/endpoint.ts #incomplete #aside'
  },
  gateway: {
    name: "messages that wait in a gateway of Java's router",
    most: MAX_GATEWAY_QUEUE,
    unit: 'messages',
    full: 'dropped',
    kept: 'network/java/gateway.ts #queue #held'
  }
} as const satisfies Record<string, Bound>
