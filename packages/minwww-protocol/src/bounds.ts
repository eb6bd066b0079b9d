import { MAX_CHANNELS } from './parity/channels.ts'
import { MAX_HELLOS, MAX_KEPT, MAX_WAITING } from './parity/parity-core.ts'
import { KEPT_PACKETS, MAX_GROUPS } from './parity/receiving.ts'
import { MAX_STRAYS } from './parity/strays.ts'
import { MAX_GROUP, MAX_GROUP_PARITY } from './parity/symbols.ts'
import { MAX_WATCHED } from './parity/watched.ts'

/** Of the parity of each Destination, unless it says "of a stream". The rest of the package keeps nothing beyond one message or object. */
export const BOUNDS = {
  channels: {
    name: 'peers with parity',
    most: MAX_CHANNELS,
    unit: 'peers',
    full: 'the one used longest ago has none any more',
    kept: 'parity/channels.ts #byPeer #byLabel'
  },
  streams: {
    name: 'streams with parity',
    most: MAX_WATCHED,
    unit: 'streams',
    full: 'the one that sent longest ago goes on without',
    kept: 'parity/watched.ts #byOwn #byRemote; parity/parity-core.ts #deadlines #keeping'
  },
  kept: {
    name: 'packets and symbols kept to rebuild others, of all streams',
    most: MAX_KEPT,
    unit: 'bytes',
    full: 'the stream to which nothing came for longest forgets its own',
    kept: 'parity/receiving.ts #packets #groups symbols'
  },
  packets: {
    name: 'packets kept, of a stream',
    most: 2 * KEPT_PACKETS,
    unit: 'packets',
    full: 'the oldest go',
    kept: 'parity/receiving.ts #packets'
  },
  groups: {
    name: 'groups that wait for symbols, of a stream',
    most: MAX_GROUPS,
    unit: 'groups',
    full: 'the oldest goes',
    kept: 'parity/receiving.ts #groups'
  },
  symbols: {
    name: 'parity symbols of a group',
    most: MAX_GROUP_PARITY,
    unit: 'symbols',
    full: 'dropped',
    kept: 'parity/receiving.ts symbols'
  },
  group: {
    name: 'packets of a group that is not sent yet, of a stream',
    most: MAX_GROUP,
    unit: 'packets',
    full: 'its parity is sent',
    kept: 'parity/sending.ts #packets'
  },
  waiting: {
    name: 'messages of parity to be sent, and packets to be taken',
    most: MAX_WAITING,
    unit: 'messages',
    full: 'dropped',
    kept: 'parity/parity-core.ts #waiting #rebuilt #repaired'
  },
  hellos: {
    name: 'clients that ask for parity before their stream is there',
    most: MAX_HELLOS,
    unit: 'messages',
    full: 'the oldest is forgotten',
    kept: 'parity/parity-core.ts #hellos'
  },
  strays: {
    name: 'messages that came before their stream',
    most: MAX_STRAYS,
    unit: 'messages',
    full: 'the oldest is forgotten',
    kept: 'parity/strays.ts #messages'
  }
} as const
