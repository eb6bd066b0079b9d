import type { LocalDestination } from '../crypto/local-destination.ts'
import { ENCRYPTION_TYPES, X25519 } from '../crypto/encryption-types.ts'
import type { ClientAuthorization } from '../crypto/client-authorization.ts'
import { fromBase64 } from '../data/base64.ts'
import { LEASE_SET_TYPE } from '../data/lease-set2.ts'
import type { Mapping } from '../data/mapping.ts'
import { offlineOptions } from '../data/session-config.ts'
import { I2cpError } from '../errors.ts'
import type { SessionCoreConfig } from './core/config.ts'
import { MAX_STRING } from '../data/writer.ts'
import { NUMBERED_OPTIONS, SESSION_OPTION_TABLE } from './option-table.ts'
import type { OptionRow } from './option-table.ts'

/** Values as programs like to write them; on the wire they are text. */
export type OptionValues = Readonly<Record<string, string | number | boolean>>

/** What is sent to the router unless `options` says otherwise; each with its reason. */
export const DEFAULT_SESSION_OPTIONS: Mapping = {
  // Java's router makes an ElGamal-only session without it, and nothing ever arrives.
  'i2cp.leaseSetEncType': '4',
  'i2cp.fastReceive': 'true',
  'i2cp.messageReliability': 'none',
  // i2pd otherwise knows 24 tags of a session ahead: where as many messages are lost in a row, it reads none that follow. It takes
  // this number for its own datagrams. A session holds 400 to 1,200 tags, some 50 bytes each.
  'crypto.ratchet.inboundTags': '800',
  // Java's outbound gateway otherwise holds a last tunnel message that is not full for 37 ms.
  'outbound.batchFrequency': '0'
}

type Interpreted = Pick<SessionCoreConfig, 'options' | 'leaseSet' | 'idle' | 'gzip' | 'authentication'> & {
  readonly warnings: readonly string[]
}

const HYBRID_LAST = 7

/**
 * Checks options against the table and splits them into what the router gets and what the session does itself.
 * Throws I2CP_BAD_OPTION for a value outside its range; unknown names pass through with a warning.
 */
export function interpretOptions (given: OptionValues, keys: LocalDestination): Interpreted {
  const options: Mapping = { ...DEFAULT_SESSION_OPTIONS, ...textual(given), ...(keys.offline && offlineOptions(keys.offline)) }
  const warnings = Object.entries(options).flatMap(([name, value]) => check(name, value))
  const value = (name: string) => options[name] ?? SESSION_OPTION_TABLE[name]?.default ?? ''
  const flag = (name: string) => value(name) === 'true'
  const username = options['i2cp.username']
  return {
    options: Object.fromEntries(Object.entries(options).filter(([name]) => isSent(name))),
    leaseSet: {
      ...encryption(options, warnings),
      options: Object.fromEntries(numbered(options, NUMBERED_OPTIONS.LEASE_SET_OPTION).map(splitOption)),
      unpublished: flag('i2cp.dontPublishLeaseSet')
    },
    idle: {
      ...(flag('i2cp.reduceOnIdle') && {
        reduceAfter: Number(value('i2cp.reduceIdleTime')), reduceQuantity: Number(value('i2cp.reduceQuantity'))
      }),
      ...(flag('i2cp.closeOnIdle') && { closeAfter: Number(value('i2cp.closeIdleTime')) })
    },
    gzip: flag('i2cp.gzip'),
    ...(username !== undefined && { authentication: { 'i2cp.username': username, 'i2cp.password': value('i2cp.password') } }),
    warnings
  }
}

/** Checked, and as text. Throws I2CP_BAD_OPTION. */
export function checkOptions (values: OptionValues): Mapping {
  const options = textual(values)
  for (const [name, value] of Object.entries(options)) check(name, value)
  return options
}

function textual (values: OptionValues): Mapping {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]))
}

/** The warnings for one option. Throws I2CP_BAD_OPTION. */
function check (name: string, value: string): string[] {
  if (Object.values(NUMBERED_OPTIONS).some(prefix => name.startsWith(prefix))) return []
  if ([name, value].some(text => Buffer.byteLength(text) > MAX_STRING)) {
    throw new I2cpError('I2CP_BAD_OPTION', `${name.slice(0, MAX_STRING)}: name and value have at most ${MAX_STRING} bytes each`)
  }
  const row = Object.hasOwn(SESSION_OPTION_TABLE, name) ? SESSION_OPTION_TABLE[name] : undefined
  if (row === undefined) return [`unknown session option ${name} is passed to the router as it is`]
  if (!isValid(row, value)) throw new I2cpError('I2CP_BAD_OPTION', `${name}: ${describe(row)} expected (${row.doc})`)
  return []
}

function isValid (row: OptionRow, value: string): boolean {
  switch (row.kind) {
    case 'boolean': return value === 'true' || value === 'false'
    case 'choice': return row.values.some(choice => choice.toLowerCase() === value.toLowerCase())
    case 'integer': return inRange(value, row)
    case 'integers': return value.split(',').every(part => inRange(part, row))
    case 'text': return true
  }
}

function inRange (value: string, { min, max }: { min: number, max: number }): boolean {
  return /^-?\d{1,10}$/.test(value) && Number(value) >= min && Number(value) <= max
}

function describe (row: OptionRow): string {
  switch (row.kind) {
    case 'boolean': return 'true or false'
    case 'choice': return row.values.join(' or ')
    case 'integer': return `${row.min} to ${row.max}`
    case 'integers': return `numbers from ${row.min} to ${row.max}, separated by commas`
    case 'text': return 'text'
  }
}

function isSent (name: string): boolean {
  if (Object.values(NUMBERED_OPTIONS).some(prefix => name.startsWith(prefix))) return false
  return !Object.hasOwn(SESSION_OPTION_TABLE, name) || SESSION_OPTION_TABLE[name]!.side !== 'client'
}

function encryption (options: Mapping, warnings: string[]): Pick<SessionCoreConfig['leaseSet'], 'encryptionTypes' | 'encrypted'> {
  const wanted = options['i2cp.leaseSetEncType']!.split(',').map(Number)
  const encryptionTypes = wanted.filter(type => type >= X25519 && type <= HYBRID_LAST)
  for (const type of wanted) {
    if (!encryptionTypes.includes(type)) {
      warnings.push(`no LeaseSet key of encryption type ${ENCRYPTION_TYPES.get(type)?.name ?? type} is made here`)
    }
  }
  if (encryptionTypes.length === 0) throw new I2cpError('I2CP_BAD_OPTION', 'i2cp.leaseSetEncType: one of 4 to 7 is needed')
  const type = Number(options['i2cp.leaseSetType'] ?? LEASE_SET_TYPE.LEASE_SET2)
  if (type === LEASE_SET_TYPE.LEASE_SET2) return { encryptionTypes }
  if (type !== LEASE_SET_TYPE.ENCRYPTED) throw new I2cpError('I2CP_UNSUPPORTED', `LeaseSets of type ${type} are not made here`)
  const secret = Buffer.from(fromBase64(options['i2cp.leaseSetSecret'] ?? '')).toString('utf8')
  const authorization = clients(options)
  return { encryptionTypes, encrypted: { ...(secret !== '' && { secret }), ...(authorization && { authorization }) } }
}

const SCHEMES = [undefined, 'dh', 'psk'] as const

/** `b64name:b64key`. */
function clients (options: Mapping): ClientAuthorization | undefined {
  const scheme = SCHEMES[Number(options['i2cp.leaseSetAuthType'] ?? 0)]
  if (scheme === undefined) return undefined
  const keys = numbered(options, scheme === 'dh' ? NUMBERED_OPTIONS.DH_CLIENT : NUMBERED_OPTIONS.PSK_CLIENT)
    .map(entry => fromBase64(entry.slice(entry.indexOf(':') + 1)))
  if (keys.length === 0 || keys.some(key => key.length !== 32)) {
    throw new I2cpError('I2CP_BAD_OPTION', `i2cp.leaseSetClient.${scheme}.0: a name and a 32-byte key are needed`)
  }
  return { scheme, clients: keys }
}

/** The values of name0, name1, ... */
function numbered (options: Mapping, prefix: string): string[] {
  const values: string[] = []
  for (let i = 0, value; (value = options[`${prefix}${i}`]) !== undefined; i++) values.push(value)
  return values
}

function splitOption (text: string): [string, string] {
  const equals = text.indexOf('=')
  if (equals <= 0) throw new I2cpError('I2CP_BAD_OPTION', 'i2cp.leaseSetOption.nnn: key=value expected')
  return [text.slice(0, equals), text.slice(equals + 1)]
}
