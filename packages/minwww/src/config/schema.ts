import { EXIT_RULES, EXIT_SERVICE, SITE_RULES } from './exit-schema.ts'
import { EXIT_TIMEOUTS, PROXY_TIMEOUTS } from './timeout-schema.ts'
import Type, { type Kind, type ObjectKind, type Static } from './type.ts'

/**
 * The one schema of everything that can be set: the TOML file, the environment, the flags, the defaults and the
 * documentation are all derived from it. A key `limitOut` of section `exit` is `limit-out` under `[exit]` in the file,
 * MINWWW_EXIT_LIMIT_OUT in the environment and `--limit-out` on the command line.
 */

const address = (description: string, value?: string) =>
  Type.String({ description, metavar: 'HOST:PORT', ...(value === undefined ? {} : { default: value }) })
const amount = (description: string, metavar: string, value: number, maximum: number, minimum = 0) =>
  Type.Number({ description, metavar, default: value, minimum, maximum })
const count = (description: string, value: number, minimum: number, maximum: number) =>
  Type.Integer({ description, metavar: 'N', default: value, minimum, maximum })
const file = (description: string) => Type.Optional(Type.String({ description, metavar: 'FILE', minLength: 1 }))
const list = (description: string, metavar: string) =>
  Type.Array(Type.String({ minLength: 1 }), { description, metavar, default: [], maxItems: 1024 })
const ports = (description: string) =>
  Type.Array(Type.Integer({ minimum: 1, maximum: 65_535 }), { description, metavar: 'PORT', default: [], maxItems: 1024 })
const toggle = (description: string) => Type.Boolean({ description, default: false })

const MODEL = {
  latency: amount('one-way latency of the modelled network, ms', 'MS', 150, 60_000),
  jitter: amount('largest deviation from the latency, up or down, ms', 'MS', 15, 30_000),
  loss: amount('loss per 1 KB tunnel message, percent', 'PERCENT', 0.5, 100),
  bandwidth: amount('bandwidth of each Destination in each direction, KB/s; 0: unlimited', 'KBPS', 0, 1_000_000),
  burst: amount('mean length of a run of losses, tunnel messages; 1: independent losses', 'N', 1, 1000, 1),
  reorder: toggle('let messages of one tunnel overtake each other'),
  profile: Type.Union(
    [Type.Literal('plain'), Type.Literal('i2pd'), Type.Literal('i2pd-2.59'), Type.Literal('java'), Type.Literal('mixed')],
    { description: 'how routers on the path behave: plain, i2pd (2.45), i2pd-2.59, java or mixed', metavar: 'NAME', default: 'plain' }
  ),
  seed: Type.Optional(
    Type.Integer({
      description: 'makes a run reproducible: seeds the network model and, in the demo, the keys',
      metavar: 'N',
      minimum: 0,
      maximum: 2 ** 32 - 1
    })
  )
}

const PUSHES = {
  noPush: toggle('send, or take, nothing of a page before the browser asks for it')
}

const LIMITS = {
  allowAddress: list('address that the guard lets through (repeatable)', 'CIDR[:PORT]'),
  limitOut: amount('limit on data sent to I2P, KB/s; 0: unlimited', 'KBPS', 0, 10_000_000),
  limitIn: amount('limit on data fetched from sites, KB/s; 0: unlimited', 'KBPS', 0, 10_000_000),
  quotaDay: amount('data per day, MB; 0: unlimited', 'MB', 0, 1e9),
  quotaMonth: amount('data per month, MB; 0: unlimited', 'MB', 0, 1e9),
  pushShare: amount('part of --limit-out for what is sent before it is asked for, percent', 'PERCENT', 50, 100),
  state: Type.Optional(Type.String({ description: 'directory for quotas; kept across restarts', metavar: 'DIR', minLength: 1 }))
}

const POOL = {
  strategy: Type.Union(
    [Type.Literal('ranked'), Type.Literal('round-robin'), Type.Literal('sticky'), Type.Literal('single'), Type.Literal('spread')],
    {
      description: 'how exits are chosen: ranked, round-robin, sticky, single or spread; with exits of lists ranked is spread',
      metavar: 'NAME',
      default: 'ranked'
    }
  ),
  replyMode: Type.Union([Type.Literal('adaptive'), Type.Literal('single')],
    {
      description: 'adaptive: split replies on paths that lose messages; single: always send one message',
      metavar: 'MODE',
      default: 'adaptive'
    }),
  timeout: amount('longest wait for a page, s', 'SECONDS', 60, 3600, 1)
}

const PROXY = {
  hosts: file('private hosts file, NAME=DEST per line'),
  jump: list(
    'jump service to offer for unknown names, instead of the built-in ones; the name is appended to the URL (repeatable)',
    'NAME=URL'
  ),
  cacheMemory: amount('cache in memory, MB; 0: no cache at all', 'MB', 64, 65_536),
  cacheDir: Type.Optional(Type.String({ description: 'directory of the disk cache', metavar: 'DIR', minLength: 1 })),
  cacheDisk: amount('cache on disk, MB', 'MB', 512, 1_000_000, 1),
  auth: file('file of USER:PASSWORD lines; browsers must then sign in'),
  isolate: toggle('give each user of --auth separate Destinations and a separate cache'),
  administrator: list(
    'user who, with --isolate, may see all requests on the console and change exits and names (repeatable)', 'USER'
  ),
  hostname: list('another name for the pages of the proxy, besides its address (repeatable)', 'HOST:PORT'),
  connectPorts: ports('web port that CONNECT may open (repeatable; default: what the exits allow)'),
  honestConnect: toggle('answer CONNECT only when the exit has answered it, one round trip later'),
  noPreload: toggle('do not ask ahead for what a page needs, where no exit sends it by itself'),
  allowField: list('request field to pass on besides the usual ones, for example X-My-Application (repeatable)', 'NAME'),
  ...PROXY_TIMEOUTS,
  acceptLanguage: Type.Optional(
    Type.String({
      description: "Accept-Language for all requests; 'browser': what the browser sends", metavar: 'VALUE', minLength: 1, maxLength: 200
    })
  )
}

const ROUTER = {
  router: address('I2CP address of the router', '127.0.0.1:7654'),
  allowPlainRemote: toggle('allow I2CP without TLS to a router that is not on this machine'),
  i2cpOption: list('I2CP session option, for example inbound.length=1 (repeatable)', 'NAME=VALUE')
}

const STREAMS = {
  noParity: toggle('streams between proxy and exit have no parity beneath them, as those to other peers'),
  switchTunnels: toggle('stalled streams ask the router for another outbound tunnel (I2P proposal 171, a draft that no router knows yet)')
}

export const SECTIONS = {
  demo: Type.Object({
    proxy: address('where the browser proxy listens', '127.0.0.1:4480'),
    exits: count('number of exits', 3, 1, 64),
    site: list('web site that the exits serve by name (repeatable)', 'NAME=URL'),
    allowWeb: toggle('let the exits fetch the web, from the address of this machine'),
    ...PUSHES,
    ...MODEL,
    ...POOL,
    ...PROXY,
    ...LIMITS
  }),
  router: Type.Object({
    i2cp: address('where I2CP clients connect', '127.0.0.1:7654'),
    ...MODEL,
    latency: amount('one-way latency of the modelled network, ms', 'MS', 0, 60_000),
    jitter: amount('largest deviation from the latency, up or down, ms', 'MS', 0, 30_000),
    loss: amount('loss per 1 KB tunnel message, percent', 'PERCENT', 0, 100)
  }),
  exit: Type.Object({
    ...ROUTER,
    ...STREAMS,
    keys: file('file with the Destination and private keys of the exit; created if missing'),
    site: list('web site to serve by name, from a web server that you trust (repeatable)', 'NAME=URL'),
    ...LIMITS,
    console: Type.Optional(address("where the operator's console listens, on loopback")),
    ownSitesOnly: toggle('serve the sites of --site only, not the web'),
    ports: ports('web port that may be reached (repeatable; default: 80 and 443)'),
    allowHosts: file('file of hosts that may be fetched, one per line; SIGHUP reads it again'),
    denyHosts: file('file of hosts to refuse, one per line; SIGHUP reads it again'),
    allowDestinations: file('file of client Destinations to serve, one per line; SIGHUP reads it again'),
    denyDestinations: file('file of client Destinations to refuse, one per line; SIGHUP reads it again'),
    upstream: Type.Optional(
      Type.String({
        description: 'socks5:// or http:// proxy to reach the web through; it resolves the names', metavar: 'URL', minLength: 1
      })
    ),
    nameServer: list('name server to use instead of the system\'s (repeatable)', 'ADDRESS[:PORT]'),
    ...EXIT_RULES,
    ...EXIT_SERVICE,
    ...EXIT_TIMEOUTS,
    ...PUSHES,
    cache: amount('shared cache of the web in memory, MB; 0: none', 'MB', 0, 65_536),
    logUrls: toggle('write URLs and client Destinations into the log')
  }),
  site: Type.Object({
    ...ROUTER,
    keys: file("key file of the site's Destination, of I2PTunnel, i2pd or MinWWW; made if it does not exist"),
    target: Type.Optional(
      Type.String({ description: 'the web server: HOST:PORT, or its http:// or https:// address', metavar: 'URL', minLength: 1 })
    ),
    host: Type.Optional(
      Type.String({
        description: 'Host that the web server sees, instead of the name that was asked for', metavar: 'NAME', minLength: 1
      })
    ),
    limitOut: LIMITS.limitOut,
    limitIn: LIMITS.limitIn,
    pushShare: LIMITS.pushShare,
    ...PUSHES,
    console: Type.Optional(address("where the operator's console listens, on loopback")),
    allowDestinations: file('visitors that are served, one Destination a line; read again on SIGHUP'),
    denyDestinations: file('visitors that are refused, one Destination a line; read again on SIGHUP'),
    ...SITE_RULES,
    drainTime: EXIT_SERVICE.drainTime,
    ...EXIT_TIMEOUTS
  }),
  proxy: Type.Object({
    ...ROUTER,
    ...STREAMS,
    proxy: address('where the browser proxy listens', '127.0.0.1:4480'),
    exit: list('exit server: base64 Destination, b32 address or name (repeatable)', 'DEST'),
    exits: file('file with one exit per line, # starts a comment'),
    exitList: list('list of exits to subscribe to, on a site of I2P (repeatable; three or more make two of them agree)', 'URL'),
    exitListAgree: Type.Optional(Type.Integer({
      description: 'publishers that must name an exit before it is used (default: 2 of three or more, else 1)',
      metavar: 'N',
      minimum: 1,
      maximum: 16
    })),
    neverExit: list('exit that is never used, whoever names it, for example your own (repeatable)', 'B32'),
    i2pOnly: toggle('sites of I2P only: needs no exit, and nothing ever goes to one'),
    ...PUSHES,
    ...POOL,
    ...PROXY,
    privateAddresses: Type.Union([Type.Literal('refuse'), Type.Literal('exit')],
      { description: 'private addresses: refuse them here, or leave them to the exit', metavar: 'WHO', default: 'refuse' }),
    state: Type.Optional(
      Type.String({ description: 'directory for what was learnt about the exits; kept across restarts', metavar: 'DIR', minLength: 1 })
    )
  })
}

export type Section = keyof typeof SECTIONS
export type Settings<S extends Section> = Static<(typeof SECTIONS)[S]>

/** One setting as the flags, the environment, the file and the documentation see it. */
export interface SettingInfo {
  section: Section
  key: string
  /** `--limit-out` */
  flag: string
  /** `limit-out` */
  fileKey: string
  /** `MINWWW_EXIT_LIMIT_OUT` */
  environment: string
  metavar: string | undefined
  description: string
  default: unknown
  kind: 'boolean' | 'number' | 'string' | 'list'
  /** Entries of a list are numbers. */
  isNumeric: boolean
}

/** Every setting of a section, in the schema's order. */
export function settingsOf (section: Section): SettingInfo[] {
  const schema: ObjectKind = SECTIONS[section]
  return Object.entries(schema.properties).map(([key, property]) => {
    const { description = '', metavar, default: value, type, items } = property
    const fileKey = key.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
    const environment = `MINWWW_${section}_${fileKey}`.toUpperCase().replaceAll('-', '_')
    return {
      section,
      key,
      flag: `--${fileKey}`,
      fileKey,
      environment,
      metavar,
      description,
      default: value,
      kind: kindOf(type),
      isNumeric: items?.type === 'integer'
    }
  })
}

function kindOf (type: Kind['type']): SettingInfo['kind'] {
  switch (type) {
    case 'boolean': return 'boolean'
    case 'number': case 'integer': return 'number'
    case 'array': return 'list'
    default: return 'string'
  }
}
