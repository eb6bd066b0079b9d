import { MAX_ED25519_KEYS } from './crypto/signature-types.ts'
import { MAX_TRANSPORT_QUEUE } from './sizes.ts'
import { I2CP_MAX_FRAME } from './messages/frame.ts'
import { DEFAULT_NAME_CACHE } from './naming/cache.ts'
import { MAX_HOSTS_FILE } from './naming/hosts.ts'
import { MAX_PENDING_LOOKUPS } from './session/core/lookups.ts'
import { MAX_BANDWIDTH_WAITERS } from './session/core/requests.ts'
import { MAX_BLINDING_INFOS } from './session/core/session-core.ts'
import { MAX_PENDING_STATUSES } from './session/core/statuses.ts'
import type { Bound } from './bound.ts'

/** Of each session, but for the keys and the file. */
export const BOUNDS = {
  transport: {
    name: 'bytes that the router has not read',
    most: MAX_TRANSPORT_QUEUE,
    unit: 'bytes',
    full: 'messages are dropped; with 1 MB of answers on top the router is given up',
    kept: 'session/core/session-core.ts #transmit'
  },
  frame: {
    name: 'one I2CP message',
    most: I2CP_MAX_FRAME,
    unit: 'bytes',
    full: 'I2CP_FRAME_TOO_LARGE before anything is allocated; the router is given up',
    kept: 'messages/frame.ts'
  },
  lookups: {
    name: 'look-ups at the router',
    most: MAX_PENDING_LOOKUPS,
    unit: 'look-ups',
    full: 'I2CP_BUSY',
    kept: 'session/core/lookups.ts #pending; session/session.ts #lookups; naming/resolver.ts #shared'
  },
  names: {
    name: 'names that the router has answered',
    most: DEFAULT_NAME_CACHE.size,
    unit: 'names',
    full: 'the least recently used goes',
    kept: 'naming/cache.ts #entries'
  },
  statuses: {
    name: 'messages whose fate the router may tell',
    most: MAX_PENDING_STATUSES,
    unit: 'messages',
    full: 'the oldest is forgotten',
    kept: 'session/core/statuses.ts #pending'
  },
  bandwidth: {
    name: 'questions for bandwidth limits',
    most: MAX_BANDWIDTH_WAITERS,
    unit: 'questions',
    full: 'I2CP_BUSY',
    kept: 'session/session.ts #bandwidth'
  },
  blinding: {
    name: 'encrypted LeaseSets made known to the router',
    most: MAX_BLINDING_INFOS,
    unit: 'LeaseSets',
    full: 'the oldest is forgotten',
    kept: 'session/core/session-core.ts #blinding'
  },
  keys: {
    name: 'public keys in the form of node:crypto',
    most: MAX_ED25519_KEYS,
    unit: 'keys',
    full: 'the least recently used goes',
    kept: 'crypto/signature-types.ts ed25519Keys'
  },
  hosts: { name: 'hosts file', most: MAX_HOSTS_FILE, unit: 'bytes', full: 'I2CP_BAD_ADDRESS', kept: 'naming/hosts.ts #base64' }
} as const satisfies Record<string, Bound>
