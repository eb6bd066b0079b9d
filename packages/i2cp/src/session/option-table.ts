/** How a session option is read. Numbers are inclusive bounds. */
export type OptionKind =
  | { readonly kind: 'boolean' }
  | { readonly kind: 'integer', readonly min: number, readonly max: number }
  /** Comma-separated integers. */
  | { readonly kind: 'integers', readonly min: number, readonly max: number }
  | { readonly kind: 'choice', readonly values: readonly string[] }
  | { readonly kind: 'text' }

export type OptionRow = OptionKind & {
  /** Who acts on it: what only the client reads is not sent. */
  readonly side: 'router' | 'client' | 'both'
  /** Documented default; undefined: none. */
  readonly default?: string
  readonly doc: string
}

const U16 = 65_535
const MINUTE = 60_000
/** The shortest idle time, ms. */
const MIN_IDLE = 5 * MINUTE
const MAX_TIME = 2 ** 31 - 1

const boolean = { kind: 'boolean' } as const
const text = { kind: 'text' } as const
const integer = (min: number, max: number) => ({ kind: 'integer', min, max } as const)

const TUNNEL_ROWS = {
  allowZeroHop: {
    ...boolean, side: 'router', default: 'true', doc: 'allow tunnels without hops when no other can be built; set false for anonymity'
  },
  backupQuantity: { ...integer(0, 3), side: 'router', default: '0', doc: 'spare tunnels' },
  IPRestriction: {
    ...integer(0, 4), side: 'router', default: '2', doc: 'bytes of the address in which two hops must differ; 0 switches it off'
  },
  length: { ...integer(0, 7), side: 'router', default: '3', doc: 'hops' },
  lengthVariance: { ...integer(-7, 7), side: 'router', default: '0', doc: 'random hops more (or, if negative, more or less)' },
  nickname: { ...text, side: 'router', doc: "name in the router's console" },
  priority: { ...integer(-25, 25), side: 'router', default: '0', doc: 'outbound only' },
  quantity: { ...integer(1, 16), side: 'router', default: '2', doc: 'tunnels' },
  randomKey: { ...text, side: 'router', doc: 'base64 of 32 bytes: the same peers in the same order after a restart' },
  batchFrequency: { ...integer(0, 1000), side: 'router', doc: 'ms a gateway waits to fill a tunnel message; Java only' }
} as const satisfies Record<string, OptionRow>

type TunnelRows<Side extends string> = { readonly [Name in keyof typeof TUNNEL_ROWS as `${Side}.${Name}`]: (typeof TUNNEL_ROWS)[Name] }

function tunnels<Side extends string> (side: Side): TunnelRows<Side> {
  return Object.fromEntries(Object.entries(TUNNEL_ROWS).map(([name, row]) => [`${side}.${name}`, row])) as TunnelRows<Side>
}

const ROWS = {
  ...tunnels('inbound'),
  ...tunnels('outbound'),
  clientMessageTimeout: { ...integer(8_000, 120_000), side: 'router', default: '60000', doc: 'ms; unused by routers' },
  'crypto.lowTagThreshold': { ...integer(1, 128), side: 'router', default: '30', doc: 'ElGamal only' },
  'crypto.tagsToSend': { ...integer(1, 128), side: 'router', default: '40', doc: 'ElGamal only' },
  'crypto.ratchet.inboundTags': {
    ...integer(1, U16), side: 'router', default: '160', doc: 'inbound tag window; 800 is sent where it is not set'
  },
  'crypto.ratchet.outboundTags': { ...integer(1, U16), side: 'router', default: '160', doc: 'advice to the far end' },
  explicitPeers: { ...text, side: 'router', doc: 'router hashes, for tests' },
  'i2cp.dontPublishLeaseSet': { ...boolean, side: 'both', default: 'false', doc: 'for pure clients; absent is best, see quirks.ts' },
  'i2cp.fastReceive': { ...boolean, side: 'both', default: 'true', doc: 'the router pushes messages' },
  'i2cp.leaseSetAuthType': { ...integer(0, 2), side: 'both', default: '0', doc: 'encrypted LeaseSet: 0 everybody, 1 DH, 2 PSK' },
  'i2cp.leaseSetEncType': {
    kind: 'integers', min: 0, max: U16, side: 'both', default: '4', doc: 'encryption types of the LeaseSet, the preferred first'
  },
  'i2cp.leaseSetOfflineExpiration': { ...integer(0, 2 ** 32 - 1), side: 'router', doc: 'set from the keys' },
  'i2cp.leaseSetOfflineSignature': { ...text, side: 'router', doc: 'set from the keys' },
  'i2cp.leaseSetTransientPublicKey': { ...text, side: 'router', doc: 'set from the keys' },
  'i2cp.leaseSetPrivKey': { ...text, side: 'router', doc: "base64 key with which the router reads its own client's encrypted LeaseSet" },
  'i2cp.leaseSetSecret': { ...text, side: 'both', default: '', doc: 'base64 of the lookup password' },
  'i2cp.leaseSetType': {
    kind: 'choice', values: ['1', '3', '5', '7'], side: 'both', default: '3', doc: '3 LeaseSet2, 5 encrypted; 1 and 7 are not made here'
  },
  'i2cp.messageReliability': {
    kind: 'choice',
    values: [
      'none', 'BestEffort', 'Guaranteed'
    ],
    side: 'both',
    default: 'none',
    doc: 'with none, statuses come only for messages that ask'
  },
  'i2cp.password': { ...text, side: 'client', doc: 'sent in GetDate' },
  'i2cp.username': { ...text, side: 'client', doc: 'sent in GetDate' },
  shouldBundleReplyInfo: { ...boolean, side: 'router', default: 'true', doc: 'put our LeaseSet into messages' },
  'i2cp.closeIdleTime': { ...integer(MIN_IDLE, MAX_TIME), side: 'client', default: '1800000', doc: 'ms' },
  'i2cp.closeOnIdle': { ...boolean, side: 'client', default: 'false', doc: 'end the session when idle' },
  'i2cp.encryptLeaseSet': { ...boolean, side: 'client', default: 'false', doc: 'obsolete: the old symmetric encryption' },
  'i2cp.gzip': {
    ...boolean, side: 'client', default: 'false', doc: 'compress payloads (Java: true); what is sent here is mostly compressed already'
  },
  'i2cp.leaseSetBlindedType': { ...integer(0, U16), side: 'client', default: '11', doc: 'only 11 exists' },
  'i2cp.leaseSetKey': { ...text, side: 'client', doc: 'obsolete, for i2cp.encryptLeaseSet' },
  'i2cp.leaseSetPrivateKey': { ...text, side: 'client', doc: 'not used: each session has a key of its own' },
  'i2cp.leaseSetSigningPrivateKey': { ...text, side: 'client', doc: 'not used: the key file holds the key' },
  'i2cp.reduceIdleTime': { ...integer(MIN_IDLE, MAX_TIME), side: 'client', default: '1200000', doc: 'ms' },
  'i2cp.reduceOnIdle': { ...boolean, side: 'client', default: 'false', doc: 'fewer tunnels when idle' },
  'i2cp.reduceQuantity': { ...integer(1, 16), side: 'client', default: '1', doc: 'tunnels each way when idle' },
  'i2cp.SSL': { ...boolean, side: 'client', default: 'false', doc: 'use `router.tls` instead' },
  'i2cp.tcp.host': { ...text, side: 'client', default: '127.0.0.1', doc: 'use `router.host` instead' },
  'i2cp.tcp.port': { ...integer(1, U16), side: 'client', default: '7654', doc: 'use `router.port` instead' }
} as const satisfies Record<string, OptionRow>

/** The session options of the I2CP overview, "Options", with their documented defaults. */
export const SESSION_OPTION_TABLE: Readonly<Record<string, OptionRow>> = ROWS

type ValueOf<Row extends OptionRow> =
  Row extends { kind: 'boolean' } ? boolean | 'true' | 'false'
    : Row extends { kind: 'integer' } ? number | `${number}`
      : Row extends { kind: 'integers' } ? number | string
        : Row extends { kind: 'choice', values: ReadonlyArray<infer Choice> } ? Choice
          : string

/** Values for the session options, by their names in the specification; see SESSION_OPTION_TABLE for ranges and defaults. */
export type SessionOptionValues = { readonly [Name in keyof typeof ROWS]?: ValueOf<(typeof ROWS)[Name]> }

/** Numbered options, all for the client: name up to the number. */
export const NUMBERED_OPTIONS = {
  DH_CLIENT: 'i2cp.leaseSetClient.dh.',
  PSK_CLIENT: 'i2cp.leaseSetClient.psk.',
  LEASE_SET_OPTION: 'i2cp.leaseSetOption.'
} as const
