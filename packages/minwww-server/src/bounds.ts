import type { Bound } from '@minwww/i2cp/codec'
import { MAX_LISTENERS } from './console/events.ts'
import { LENGTH } from './console/history.ts'
import { DEFAULT_CONFIG } from './core/config.ts'
import { MAX_TRACKS } from './core/egress.ts'
import { MAX_WAITING } from './core/send-queue.ts'
import { MAX_SENT } from './exit/pushes.ts'
import { MAX_RESTS, MAX_WAITING as MAX_WAITING_STREAMS } from './exit/rests.ts'
import { DEFAULT_MAX_DECODED, DEFAULT_QUEUE } from './exit/options.ts'
import { MAX_IDLE } from './fetch/connection-pool.ts'
import { DEFAULT_SLOTS } from './fetch/connection-slots.ts'
import { DEFAULT_MAX_NAMES, DEFAULT_MAX_PENDING } from './fetch/resolver.ts'
import { MAX_ACTIVE } from './limits/bandwidth.ts'
import { DEFAULT_ADMISSION } from './limits/core/admission.ts'
import { MAX_CLIENTS } from './limits/core/backlog.ts'
import { MAX_FLOWS } from './limits/core/fair-bucket.ts'
import { MAX_ACCOUNTS } from './limits/core/overheads.ts'
import { DEFAULT_STREAM_LIMITS } from './streams/options.ts'

const { signatureChecks, clockTolerance } = DEFAULT_CONFIG

/** Of an exit. */
export const BOUNDS = {
  sessions: {
    name: 'clients with a session',
    most: DEFAULT_CONFIG.maxSessions + DEFAULT_CONFIG.maxFreshSessions,
    unit: 'sessions',
    full: 'the one silent for longest ends; new ones do not push out those in use',
    kept: 'core/session-table.ts #fresh #used #peers; core/send-queue.ts #flows #resting; core/flow-scheduler.ts #flows; ' +
      'core/heap.ts #entries #byItem'
  },
  watched: {
    name: 'sessions of which the exit counts what came',
    most: MAX_TRACKS,
    unit: 'sessions',
    full: 'more are not counted until one of them has been silent for 12 s',
    kept: 'core/egress.ts #tracks'
  },
  opens: {
    name: 'OPENs remembered against replay',
    most: 2 * signatureChecks * 2 * clockTolerance / 1_000,
    unit: 'OPENs',
    full: 'dropped without an answer: so many signatures are checked in the time that an OPEN is good for',
    kept: 'core/replay-table.ts #entries'
  },
  fetches: {
    name: 'requests by messages',
    most: DEFAULT_CONFIG.maxFetches,
    unit: 'requests',
    full: 'ERROR 2',
    kept: 'core/fetches.ts #underWay #counts; core/work-notes.ts #due; exit/message-service.ts #jobs'
  },
  pushes: {
    name: 'resources promised to one client that are being fetched',
    most: DEFAULT_CONFIG.maxPushesPerSession,
    unit: 'resources',
    full: 'no more is promised',
    kept: 'exit/pushes.ts #jobs seen'
  },
  held: {
    name: 'answers remembered',
    most: DEFAULT_CONFIG.cacheTotal,
    unit: 'bytes',
    full: 'the one untouched for longest is forgotten; also above 4 MB and 1,024 requests of one client',
    kept: 'core/request-table.ts #byAge #bySession byId'
  },
  queued: {
    name: 'answers that wait to be sent',
    most: DEFAULT_CONFIG.queueTotal,
    unit: 'bytes',
    full: 'the client with the most loses its newest; above 16 MB of one client dropped',
    kept: 'core/send-queue.ts'
  },
  bursts: {
    name: 'bursts that wait for one client',
    most: MAX_WAITING,
    unit: 'bursts',
    full: 'dropped',
    kept: 'core/flow.ts #fresh #turn'
  },
  uploads: {
    name: 'requests that come in parts',
    most: DEFAULT_CONFIG.maxUploads,
    unit: 'requests',
    full: 'ERROR 2, unless nothing has come of another one for 5 s; also above 16 of one session',
    kept: 'core/request-table.ts #uploads'
  },
  tokens: {
    name: 'requests that are carried out once',
    most: DEFAULT_CONFIG.maxTokens,
    unit: 'tokens',
    full: 'ERROR 2; also above 1,024 of one Destination, or as many as are free; each is known for 300 s',
    kept: 'core/executions.ts #entries #counts #refused; core/execution.ts #askers'
  },
  queue: {
    name: 'requests that wait to be fetched',
    most: DEFAULT_QUEUE.maxQueued,
    unit: 'requests',
    full: 'the client with the most loses the oldest: ERROR 2',
    kept: 'exit/fair-queue.ts #waiting jobs'
  },
  running: {
    name: 'requests being fetched',
    most: DEFAULT_QUEUE.concurrency,
    unit: 'requests',
    full: 'they wait; one that waits for its site for 2 s counts as a connection only',
    kept: 'exit/fetch-queue.ts #queue; exit/fair-queue.ts #running'
  },
  connections: {
    name: 'connections to sites in use',
    most: DEFAULT_SLOTS.total,
    unit: 'connections',
    full: 'requests wait; also above 10 of one client to one site, 64 of one client, 96 to one site',
    kept: 'fetch/connection-slots.ts #counts; fetch/fetcher.ts #busy'
  },
  idle: {
    name: 'connections to sites that are kept',
    most: MAX_IDLE,
    unit: 'connections',
    full: 'the oldest is closed',
    kept: 'fetch/connection-pool.ts #idle'
  },
  body: {
    name: 'one body that is read for a message',
    most: DEFAULT_MAX_DECODED,
    unit: 'bytes',
    full: 'its beginning goes out, and a stream brings the rest',
    kept: 'fetch/collect.ts head'
  },
  rests: {
    name: 'answers that wait for the stream with their rest',
    most: MAX_RESTS,
    unit: 'answers',
    full: 'ERROR 3, and the client asks by stream; also above 64 of one client, and 32 MB; each is given up after a minute',
    kept: 'exit/rests.ts #kept #names'
  },
  awaited: {
    name: 'streams of one client that wait for the rest of its next answer',
    most: MAX_WAITING_STREAMS,
    unit: 'streams',
    full: 'one more is told that there is none',
    kept: 'exit/rests.ts #waiting #followed'
  },
  streams: {
    name: 'streams',
    most: DEFAULT_STREAM_LIMITS.maxStreams,
    unit: 'streams',
    full: 'reset; also above 30 of one client',
    kept: 'streams/stream-proxy.ts #open'
  },
  waiting: {
    name: 'chunks that wait for bandwidth',
    most: DEFAULT_QUEUE.concurrency + 2 * DEFAULT_STREAM_LIMITS.maxStreams,
    unit: 'chunks',
    full: 'each fetch has one, each stream two: the reader waits',
    kept: 'limits/core/fair-bucket.ts #waiting'
  },
  flows: {
    name: 'clients whose share of bandwidth is remembered',
    most: MAX_FLOWS,
    unit: 'clients',
    full: 'the oldest begins anew',
    kept: 'limits/core/fair-bucket.ts #finish'
  },
  active: {
    name: 'clients that are being sent to',
    most: MAX_ACTIVE,
    unit: 'clients',
    full: 'the oldest counts no more',
    kept: 'limits/bandwidth.ts #active'
  },
  overheads: {
    name: 'clients whose streams are charged for what they repeat',
    most: MAX_ACCOUNTS,
    unit: 'clients',
    full: 'the one that was sent to longest ago begins anew',
    kept: 'limits/core/overheads.ts #accounts'
  },
  pushed: {
    name: 'resources sent unasked whose clients may ask all the same',
    most: MAX_SENT,
    unit: 'resources',
    full: 'the oldest is not counted when it is asked for',
    kept: 'exit/pushes.ts #sent'
  },
  owed: {
    name: 'clients with answers that wait to be sent',
    most: MAX_CLIENTS,
    unit: 'clients',
    full: 'the one heard of longest ago is forgotten',
    kept: 'limits/core/backlog.ts #clients'
  },
  clients: {
    name: 'clients whose requests are counted',
    most: DEFAULT_ADMISSION.maxClients,
    unit: 'clients',
    full: 'the one not seen for longest is forgotten',
    kept: 'limits/core/admission.ts #clients'
  },
  names: {
    name: 'names resolved',
    most: DEFAULT_MAX_NAMES,
    unit: 'names',
    full: 'the least recently used goes',
    kept: 'fetch/resolver.ts #cache'
  },
  lookups: {
    name: 'names being resolved',
    most: DEFAULT_MAX_PENDING,
    unit: 'names',
    full: 'MINWWW_EXIT_BUSY',
    kept: 'fetch/resolver.ts #pending'
  },
  cache: {
    name: 'shared cache',
    most: 0,
    unit: 'bytes',
    full: 'the least recently used goes; as large as --cache says, and none by itself',
    kept: 'fetch/cache.ts #entries'
  },
  consoles: {
    name: 'consoles that look',
    most: MAX_LISTENERS,
    unit: 'consoles',
    full: 'one more is refused',
    kept: 'console/events.ts #listeners'
  },
  history: { name: 'seconds of the charts', most: LENGTH, unit: 'seconds', full: 'the oldest goes', kept: 'console/history.ts #samples' }
} as const satisfies Record<string, Bound>
