import type { Bound } from '@minwww/i2cp/codec'
import {
  ACCEPT_BACKLOG, MAX_ASKED, MAX_FORWARDED_CONNECTIONS, MAX_HALF_OPEN, MAX_INFORMED_SPAN, MAX_LOOSE, MAX_STREAMS, RECEIVE_BUDGET
} from './core/constants.ts'
import { CONTROL_BLOCK_CAPACITY } from './core/control-blocks.ts'
import { MAX_EARLY_BYTES } from './core/early-packets.ts'
import { MAX_LATE } from './core/gap-reports.ts'
import { MAX_COUNTED_PEERS } from './core/limits.ts'
import { defaultOptions } from './core/options.ts'
import { MAX_PINGS } from './core/pings.ts'
import { RECEIVE_SPAN } from './core/receiver.ts'
import { MAX_TOMBSTONES } from './core/tombstones.ts'

/** Of each Destination, unless it says "of a stream". */
export const BOUNDS = {
  streams: {
    name: 'streams',
    most: MAX_STREAMS,
    unit: 'streams',
    full: 'a SYN is dropped; STREAMING_TOO_MANY',
    kept: 'core/streaming-core.ts #connections #byRemote #refusals #ready #eventful #deadlines; ' +
      'core/path-shares.ts #informed; stream-manager.ts #sockets; stream-server.ts #sockets'
  },
  halfOpen: {
    name: 'streams whose peer has not proved its address',
    most: MAX_HALF_OPEN,
    unit: 'streams',
    full: 'the oldest is reset',
    kept: 'core/streaming-core.ts #halfOpen'
  },
  backlog: {
    name: 'streams that nobody has accepted yet',
    most: ACCEPT_BACKLOG,
    unit: 'streams',
    full: 'a SYN is refused',
    kept: 'core/streaming-core.ts #accepted'
  },
  received: {
    name: 'bytes received and not read, of all streams',
    most: RECEIVE_BUDGET,
    unit: 'bytes',
    full: 'one packet a stream is taken, and the peers are choked',
    kept: 'core/reassembly.ts #early #readable'
  },
  gaps: {
    name: 'packets ahead of a gap, of a stream',
    most: RECEIVE_SPAN,
    unit: 'packets',
    full: 'not taken and not acknowledged',
    kept: 'core/gap-reports.ts #missing'
  },
  late: {
    name: 'late packets remembered, of a stream',
    most: MAX_LATE,
    unit: 'packets',
    full: 'the oldest is forgotten',
    kept: 'core/gap-reports.ts #late'
  },
  written: {
    name: 'bytes written and not sent, of a stream',
    most: defaultOptions().bufferSize,
    unit: 'bytes',
    full: 'the writer waits',
    kept: 'core/send-buffer.ts #chunks'
  },
  inFlight: {
    name: 'packets sent and not acknowledged, of a stream',
    most: MAX_INFORMED_SPAN,
    unit: 'packets',
    full: 'nothing more is sent',
    kept: 'core/scoreboard.ts #packets'
  },
  early: {
    name: 'packets that came before their SYN',
    most: MAX_EARLY_BYTES,
    unit: 'bytes',
    full: 'the oldest go; also above 64 streams',
    kept: 'core/early-packets.ts #streams packets'
  },
  finished: {
    name: 'finished streams that still answer',
    most: MAX_TOMBSTONES,
    unit: 'streams',
    full: 'the oldest is forgotten',
    kept: 'core/tombstones.ts #byId #byRemote'
  },
  loose: {
    name: 'packets and notes outside of streams',
    most: MAX_LOOSE,
    unit: 'packets',
    full: 'dropped',
    kept: 'core/streaming-core.ts #loose #events'
  },
  controlBlocks: {
    name: 'peers whose round trip is known',
    most: CONTROL_BLOCK_CAPACITY,
    unit: 'peers',
    full: 'the one updated longest ago goes',
    kept: 'core/control-blocks.ts #entries'
  },
  countedPeers: {
    name: 'peers whose connections are counted',
    most: MAX_COUNTED_PEERS,
    unit: 'peers',
    full: 'the one whose period ends first goes',
    kept: 'core/limits.ts #counts'
  },
  pings: {
    name: 'pings without a pong',
    most: MAX_PINGS,
    unit: 'pings',
    full: 'STREAMING_TOO_MANY',
    kept: 'core/pings.ts #waiting; stream-manager.ts #pings'
  },
  asked: {
    name: 'SYNs whose fate the router may tell',
    most: MAX_ASKED,
    unit: 'packets',
    full: 'the oldest is forgotten',
    kept: 'stream-manager.ts #asked'
  },
  connections: {
    name: 'TCP connections forwarded to one address',
    most: MAX_FORWARDED_CONNECTIONS,
    unit: 'connections',
    full: 'closed; the stream is reset',
    kept: 'forwarding.ts open'
  }
} as const satisfies Record<string, Bound>
