import type { Bound } from '@minwww/i2cp'
import { MAX_UNSHARED } from './cache/cache.ts'
import { MAX_WAITING } from './cache/disk.ts'
import { MAX_LISTENERS } from './console/events.ts'
import { MAX_AVOIDED, MAX_BANNED, MAX_PINNED, MAX_PUBLISHERS, MAX_REVOKED } from './lists/core/directory.ts'
import { MAX_STATEMENTS } from './lists/core/list.ts'
import { INTERVALS, MAX_HISTORIES } from './console/history.ts'
import { DEFAULT_CONFIG } from './core.ts'
import { MAX_QUEUED } from './core/context.ts'
import { MAX_HELD } from './core/first-contact.ts'
import { MAX_COUNTED, MAX_WATCHES } from './core/path.ts'
import { MAX_GATES } from './core/push-gate.ts'
import { MAX_PUSHES, PUSH_MEMORY } from './core/pushes.ts'
import { MAX_SENT } from './core/sent-memory.ts'
import { MAX_EXITS, MAX_PINS } from './pool/pool.ts'
import { DONE } from './route/activity.ts'
import { MAX_SITES } from './route/alt-svc.ts'
import { MAX_KEPT } from './route/early-tunnel.ts'
import { MAX_HONEST } from './route/honest-hosts.ts'
import { MAX_PRELOADS } from './route/preloads.ts'
import { MAX_ADDRESSES } from './http/auth.ts'
import { DECODER_ROOM } from './http/decoder-room.ts'
import { MAX_HOSTS, MAX_KNOWN } from './route/names.ts'
import { MAX_OTHERS, MAX_STREAMS } from './route/waiting-streams.ts'
import { DEFAULT_SETTINGS } from './http/settings.ts'
import { MAX_SITE_WAYS } from './sessions/site-ways.ts'
import { DISK, MEMORY } from './sessions/users.ts'

/** Of a proxy; those of the core, the exits and the cache of each isolated user. */
export const BOUNDS = {
  connections: {
    name: 'connections of browsers that wait for the router',
    most: DEFAULT_SETTINGS.maxConnections,
    unit: 'connections',
    full: 'closed',
    kept: 'front/listener.ts connections; route/tunnels.ts #sockets; sessions/readiness.ts #waiting'
  },
  inFlight: {
    name: 'requests of browsers',
    most: DEFAULT_SETTINGS.maxInFlight,
    unit: 'requests',
    full: '503 MINWWW_OVERLOADED',
    kept: 'route/activity.ts #inFlight; cache/flights.ts #open'
  },
  requests: {
    name: 'requests by messages',
    most: DEFAULT_CONFIG.maxRequests,
    unit: 'requests',
    full: '503 MINWWW_OVERLOADED',
    kept: 'core/client-core.ts #requests; core/queues.ts #waiting; core/pushes.ts #waiting; sessions/client-driver.ts #waiting'
  },
  attempts: {
    name: 'attempts of one request',
    most: DEFAULT_CONFIG.maxAttempts,
    unit: 'attempts',
    full: '504 MINWWW_TIMEOUT',
    kept: 'core/request.ts #transfers; core/transfer.ts #rounds; core/exit.ts #inFlight; core/transfer-table.ts #all #routes ids; ' +
      'route/message-path.ts #open'
  },
  queued: {
    name: 'messages that the session has not taken',
    most: MAX_QUEUED,
    unit: 'messages',
    full: 'the oldest is dropped',
    kept: 'core/context.ts outgoing'
  },
  held: {
    name: 'messages of a Destination to one exit before its first answer',
    most: MAX_HELD,
    unit: 'messages',
    full: 'the oldest is dropped',
    kept: 'core/first-contact.ts #held #heardAt'
  },
  bursts: {
    name: 'bursts of one exit that are watched',
    most: MAX_WATCHES,
    unit: 'bursts',
    full: 'the oldest is forgotten',
    kept: 'core/path.ts #watches'
  },
  counted: {
    name: 'bursts of one exit that were counted and may still bring something',
    most: MAX_COUNTED,
    unit: 'bursts',
    full: 'the oldest is forgotten',
    kept: 'core/path.ts #counted'
  },
  decoders: {
    name: 'memory for bodies that are decoded for browsers',
    most: DECODER_ROOM,
    unit: 'bytes',
    full: 'a body waits up to 30 s, then 503; a browser that reads nothing for 1 s is cut off for it',
    kept: 'http/decoder-room.ts #places #waiting; http/decoding.ts read'
  },
  exits: {
    name: 'exits',
    most: MAX_EXITS,
    unit: 'exits',
    full: 'one more is refused',
    kept: 'sessions/users.ts #exits; sessions/backend.ts #exits #retries; core/client-core.ts #exits #saved; ' +
      'pool/pool.ts #members #remembered; core/request.ts #tried'
  },
  pushes: {
    name: 'resources that exits have promised or pushed',
    most: MAX_PUSHES,
    unit: 'resources',
    full: 'the oldest is forgotten; above 64 of one session without a promise: refused',
    kept: 'core/pushes.ts #pushes'
  },
  pushed: {
    name: 'what was pushed and not used yet',
    most: PUSH_MEMORY,
    unit: 'bytes',
    full: 'the oldest is dropped; all of it after 30 s',
    kept: 'core/pushes.ts'
  },
  gates: {
    name: 'sites whose use of pushes is known',
    most: MAX_GATES,
    unit: 'sites',
    full: 'the one not seen for longest goes',
    kept: 'core/push-gate.ts #sites'
  },
  sent: {
    name: 'addresses that one exit need not push again',
    most: MAX_SENT,
    unit: 'addresses',
    full: 'the oldest goes',
    kept: 'core/sent-memory.ts #sent'
  },
  promised: {
    name: 'bytes that a browser says before its tunnel is taken, of a tunnel',
    most: MAX_KEPT,
    unit: 'bytes',
    full: "the rest waits on the browser's connection; no second exit hears it once the first has answered",
    kept: 'route/early-tunnel.ts #kept'
  },
  honest: {
    name: 'hosts whose CONNECT waits for the exit, of a user with sessions of his own',
    most: MAX_HONEST,
    unit: 'hosts',
    full: 'the one noted longest ago is answered at once again',
    kept: 'route/honest-hosts.ts #until'
  },
  preloads: {
    name: "answers asked for ahead of a page's requests",
    most: MAX_PRELOADS,
    unit: 'answers',
    full: 'no more are asked for; above 24 of one page neither',
    kept: 'route/preloads.ts #preloads'
  },
  waiting: {
    name: 'streams that wait at exits for the rest of an answer',
    most: MAX_STREAMS,
    unit: 'streams',
    full: 'the rest is asked for; above two of one exit and Destination too',
    kept: 'route/waiting-streams.ts #streams #claims'
  },
  impatient: {
    name: 'exits that do not have streams wait',
    most: MAX_OTHERS,
    unit: 'exits',
    full: 'all of them are asked again',
    kept: 'route/waiting-streams.ts #others'
  },
  sites: {
    name: 'sites that are asked by messages',
    most: DEFAULT_CONFIG.maxSites,
    unit: 'sites',
    full: 'the least recently used without a request goes',
    kept: 'core/client-core.ts #sites; core/session-table.ts #byName #byExit'
  },
  lists: {
    name: 'lists of exits',
    most: MAX_PUBLISHERS,
    unit: 'lists',
    full: 'one more is refused at the start',
    kept: 'lists/core/directory.ts #publishers #named; lists/exit-lists.ts #kept; lists/list-store.ts #savers'
  },
  listed: {
    name: 'exits of one list',
    most: MAX_STATEMENTS,
    unit: 'exits',
    full: 'the list is refused, what was known of it stays',
    kept: 'lists/core/directory.ts named; lists/fetch-list.ts pieces'
  },
  avoided: {
    name: 'exits of lists that did not answer',
    most: MAX_AVOIDED,
    unit: 'exits',
    full: 'the one that failed longest ago may be tried again',
    kept: 'lists/core/directory.ts #avoided'
  },
  revoked: {
    name: 'exits that have revoked themselves',
    most: MAX_REVOKED,
    unit: 'exits',
    full: 'the one known for longest is forgotten',
    kept: 'lists/core/directory.ts #revoked'
  },
  pinned: {
    name: 'exits of lists that are pinned',
    most: MAX_PINNED,
    unit: 'exits',
    full: 'one more is refused',
    kept: 'lists/core/directory.ts #pinned'
  },
  banned: {
    name: 'exits that are banned',
    most: MAX_BANNED,
    unit: 'exits',
    full: 'one more is refused',
    kept: 'lists/core/directory.ts #banned'
  },
  pins: {
    name: 'sites tied to an exit',
    most: MAX_PINS,
    unit: 'sites',
    full: 'the one tied longest ago is free again',
    kept: 'pool/pool.ts #pins'
  },
  announced: {
    name: 'sites known to take messages, or not to',
    most: MAX_SITES,
    unit: 'sites',
    full: 'the least recently used goes',
    kept: 'route/alt-svc.ts #sites #broken'
  },
  ways: {
    name: 'sites of which it is known from which own Destination they are reached by streams',
    most: MAX_SITE_WAYS,
    unit: 'sites',
    full: 'the one asked longest ago is forgotten',
    kept: 'sessions/site-ways.ts #sites'
  },
  names: {
    name: 'names that were looked up',
    most: MAX_KNOWN,
    unit: 'names',
    full: 'the least recently used goes',
    kept: 'route/names.ts #known'
  },
  hosts: {
    name: 'names of the hosts file',
    most: MAX_HOSTS,
    unit: 'names',
    full: 'lines are skipped; a further name is refused',
    kept: 'route/names.ts #hosts'
  },
  passwords: {
    name: 'addresses with wrong passwords',
    most: MAX_ADDRESSES,
    unit: 'addresses',
    full: 'the least recently used is forgotten',
    kept: 'http/auth.ts #failures'
  },
  memory: { name: 'cache in memory', most: MEMORY, unit: 'bytes', full: 'the least recently used goes', kept: 'cache/memory.ts #urls' },
  collected: {
    name: 'bodies on their way into the cache',
    most: MEMORY,
    unit: 'bytes',
    full: 'passed on and not kept',
    kept: 'cache/cache.ts chunks'
  },
  unshared: {
    name: 'pages known not to be kept',
    most: MAX_UNSHARED,
    unit: 'pages',
    full: 'the least recently asked for is forgotten: equal requests for it wait for each other once',
    kept: 'cache/cache.ts #unshared'
  },
  disk: {
    name: 'cache on disk',
    most: DISK,
    unit: 'bytes',
    full: 'the least recently used file goes; a file counts as 4 KB at least',
    kept: 'cache/disk.ts #files'
  },
  writes: {
    name: 'writes to the cache on disk',
    most: MAX_WAITING,
    unit: 'writes',
    full: 'not kept on disk',
    kept: 'cache/disk.ts #waiting'
  },
  consoles: {
    name: 'consoles that look',
    most: MAX_LISTENERS,
    unit: 'consoles',
    full: 'one more is told so',
    kept: 'console/events.ts #listeners'
  },
  done: { name: 'requests shown as done', most: DONE, unit: 'requests', full: 'the oldest goes', kept: 'route/activity.ts #done' },
  history: {
    name: 'intervals of the charts',
    most: INTERVALS,
    unit: 'intervals',
    full: 'the oldest goes',
    kept: 'console/history.ts #intervals'
  },
  ownHistories: {
    name: 'isolated users with charts of their own',
    most: MAX_HISTORIES,
    unit: 'users',
    full: 'the charts of the one longest without a request begin anew',
    kept: 'console/history.ts #own'
  }
} as const satisfies Record<string, Bound>
