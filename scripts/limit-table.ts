// The registry of limits: everything that input can make grow, of all packages.
import type { Bound } from '../packages/i2cp/src/index.ts'
import { BOUNDS as http } from '../packages/http/src/bounds.ts'
import { BOUNDS as i2cp } from '../packages/i2cp/src/bounds.ts'
import { BOUNDS as localRouter } from '../packages/local-router/src/bounds.ts'
import { BOUNDS as protocol } from '../packages/minwww-protocol/src/bounds.ts'
import { BOUNDS as client } from '../packages/minwww-client/src/bounds.ts'
import { BOUNDS as server } from '../packages/minwww-server/src/bounds.ts'
import { BOUNDS as streaming } from '../packages/streaming/src/bounds.ts'

/** By package. */
export const BOUNDS: Readonly<Record<string, Readonly<Record<string, Bound>>>> = {
  i2cp, streaming, http, 'local-router': localRouter, 'minwww-protocol': protocol, 'minwww-client': client, 'minwww-server': server
}

/** Tests that go past a bound: `test file: title`, by package and key. */
export const TESTED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  i2cp: {
    transport: 'driver.test.ts: a router that asks and asks and does not read is given up',
    frame: 'codec.test.ts: frames: any chunking gives the same frames; oversized ones stop before allocation',
    lookups: 'session-core.test.ts: look-ups: time-outs, each reply code, answers for nobody, a bound',
    names: 'naming.test.ts: cache: least recently used goes, entries expire, failures sooner'
  },
  streaming: {
    streams: 'options.test.ts: each option acts',
    halfOpen: 'hostile.test.ts: a SYN flood costs bounded memory, and old half-open streams go',
    backlog: 'hostile.test.ts: streams that the application does not take are refused',
    received: 'hostile.test.ts: many streams that nobody reads stay within the budget, and each still goes on',
    gaps: 'units.test.ts: reassembly gives the bytes in order for any order of arrival, and never more than its limit',
    written: 'units.test.ts: the send buffer keeps order and limit',
    early: 'hostile.test.ts: early packets without a SYN are bounded and forgotten',
    finished: 'hostile.test.ts: finished streams are forgotten'
  },
  http: {
    datagramSockets: 'datagrams.test.ts: errors and bounds'
  },
  'local-router': {
    connections: 'router.test.ts: connections are bounded',
    lookups: 'router.test.ts: they take their time, and are bounded',
    waiting: 'router.test.ts: the waiting room is bounded',
    destinations: 'network.test.ts: the model is bounded',
    inFlight: 'network.test.ts: the model is bounded'
  },
  'minwww-protocol': {
    kept: 'parity.test.ts: what is kept of all streams is bounded, and an idle stream keeps nothing',
    strays: 'parity.test.ts: what belongs to nobody is bounded',
    hellos: 'parity.test.ts: what belongs to nobody is bounded',
    channels: 'parity.test.ts: peers and streams are bounded',
    streams: 'parity.test.ts: peers and streams are bounded'
  },
  'minwww-client': {
    connections: 'renewal.test.ts: a browser that leaves does not wait for the router any longer',
    inFlight: 'proxy-access.test.ts: too many requests at a time',
    requests: 'core.test.ts: more requests than the bound fail at once',
    attempts: 'core.test.ts: at most six attempts, one deadline',
    exits: 'proxy-access.test.ts: exits named again and again, and dropped, before there is a session',
    pins: 'pool.test.ts: bounds: exits, busy times, pins',
    memory: 'cache.test.ts: memory is bounded in bytes',
    collected: 'cache.test.ts: bodies that pass are kept as long as all of them fit',
    disk: 'cache.test.ts: on disk: survives a restart, junk and a kill',
    writes: 'cache.test.ts: on disk: what waits is bounded, and small files count as blocks',
    consoles: 'console.test.ts: parts: history, traces, feed',
    done: 'console.test.ts: parts: history, traces, feed'
  },
  'minwww-server': {
    held: 'core-hostile.test.ts: the cache is bounded per session and in all',
    queued: 'core-hostile.test.ts: answers that wait for a client that takes next to nothing are bounded per session and in all',
    bursts: 'core-hostile.test.ts: a flood of questions about unknown ids does not grow the queue',
    uploads: 'core-hostile.test.ts: requests to be put together are bounded',
    queue: 'exit.test.ts: queue: bounded per client and in total, fair, the oldest deadline shed with retryAfter',
    clients: 'admission.test.ts: admission: rates, POSTs, new clients, cool-down, bounded memory',
    cache: 'policy.test.ts: shared cache: what everybody may have, for as long as it is fresh'
  }
}

/** The files of a bound and the containers in them. */
export function keptBy ({ kept }: Bound): Array<{ file: string, containers: string[] }> {
  return kept.split('; ').map(place => {
    const [file = '', ...containers] = place.split(' ')
    return { file, containers }
  })
}

/** docs/reference/limits.md */
export function documentLimits (): string {
  const sections = Object.entries(BOUNDS).map(([name, bounds]) => {
    const rows = Object.values(bounds).map(bound => `| ${bound.name} | ${amount(bound)} | ${bound.full} |`)
    return [
      `## @minwww/${name.replace(/^minwww-/, '')}`, '', '| what can grow | at most | what happens then |', '|---|---|---|', ...rows, ''
    ].join('\n')
  })
  return `${HEAD}\n${sections.join('\n')}`
}

const HEAD = `# Limits

Everything that the network or a user can make grow. Where a setting decides, the bound is that of the default. The proxy's
console shows how full they are, and the metrics count it (\`minwww_proxy_limit_used\`, \`minwww_proxy_limit_most\`,
\`minwww_exit_limit_used\`, \`minwww_exit_limit_most\`).

Written by \`npm run docs:limits\` from \`src/bounds.ts\` of each package, which names the file of each;
\`scripts/limit-table.ts\` names the tests that go past them. \`test/docs/limits.test.ts\` fails for a Map, Set, array, cache or
queue that is not in the list.
`

function amount ({ name: what, most, unit }: Bound): string {
  if (unit !== 'bytes') return most.toLocaleString('en') + (what.includes(unit) ? '' : ` ${unit}`)
  const [size, name] = most >= 2 ** 20 ? [most / 2 ** 20, 'MB'] : most >= 2 ** 10 ? [most / 2 ** 10, 'KB'] : [most, 'bytes']
  return `${size.toLocaleString('en')} ${name}`
}
