import { I2cpError, malformed } from '../errors.ts'
import type { Mapping } from './mapping.ts'

/** A service at the Destination of the LeaseSet itself. */
export interface OwnService {
  /** Seconds for which the record may be remembered; a day or more is recommended. */
  readonly ttl: number
  /** I2CP port, 0 to 65,535. */
  readonly port: number
  /** Text of the application's own, without spaces and commas. */
  readonly appOptions?: string
}

/** A service at another Destination, as a SRV record of DNS says it. */
export interface ServiceTarget extends OwnService {
  /** The lowest is tried first. */
  readonly priority: number
  /** Among those of equal priority, the share of this one. */
  readonly weight: number
  /** A .b32.i2p address or a host name. */
  readonly target: string
}

export type ServiceRecord = OwnService | ServiceTarget

const SELF = '0'
const OTHER = '1'
const MAX_PORT = 65_535
const MAX_NUMBER = 0xffff_ffff
/** `_service._proto`; more transports than tcp and udp may come. */
const KEY = /^_[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\._[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/
const WORD = /^[^ ,]+$/

/**
 * The value of a LeaseSet2 option `_service._proto`. Proposal 167, "LS2 Option Specification". One record of the Destination
 * itself, or any number of targets. Throws I2CP_MALFORMED.
 */
export function parseServiceRecords (value: string): ServiceRecord[] {
  const records = value.split(',').map(parseRecord)
  if (records.length === 1 || records.every(record => 'target' in record)) return records
  throw malformed('several service records of the destination itself')
}

/** What parseServiceRecords() reads. Throws I2CP_BAD_OPTION. */
export function encodeServiceRecords (records: readonly ServiceRecord[]): string {
  const value = records.map(record => {
    const { ttl, port, appOptions } = record
    const words = 'target' in record ? [OTHER, ttl, record.priority, record.weight, port, record.target] : [SELF, ttl, port]
    return [...words, ...(appOptions === undefined ? [] : [appOptions])].join(' ')
  }).join(',')
  try {
    // A space or a comma in a field would make other records of it.
    if (isSame(parseServiceRecords(value), records)) return value
  } catch { /* said below */ }
  throw new I2cpError('I2CP_BAD_OPTION', 'a field of a service record is out of range, or has a space or a comma')
}

/** The services among the options of a LeaseSet2, by `_service._proto`. What is no record of a service is left out. */
export function servicesOf (options: Mapping): Record<string, ServiceRecord[]> {
  const services: Record<string, ServiceRecord[]> = {}
  for (const [key, value] of Object.entries(options)) {
    if (!isServiceKey(key)) continue
    try {
      services[key] = parseServiceRecords(value)
    } catch { /* others may put there what they like */ }
  }
  return services
}

/** True for `_service._proto`. */
export function isServiceKey (key: string): boolean { return KEY.test(key) }

function parseRecord (text: string): ServiceRecord {
  const [kind, ...words] = text.split(' ')
  if (kind === SELF && (words.length === 2 || words.length === 3)) {
    const [ttl, port, appOptions] = words as [string, string, string?]
    return { ttl: whole32(ttl), port: whole16(port), ...(appOptions !== undefined && { appOptions: word(appOptions) }) }
  }
  if (kind === OTHER && (words.length === 5 || words.length === 6)) {
    const [ttl, priority, weight, port, target, appOptions] = words as [string, string, string, string, string, string?]
    return {
      ttl: whole32(ttl),
      priority: whole32(priority),
      weight: whole32(weight),
      port: whole16(port),
      target: word(target),
      ...(appOptions !== undefined && { appOptions: word(appOptions) })
    }
  }
  throw malformed('not a service record')
}

function isSame (left: readonly ServiceRecord[], right: readonly ServiceRecord[]): boolean {
  return JSON.stringify(left) === JSON.stringify(right.map(whole))
}

/** In the order in which a parsed record has its fields. */
function whole (record: ServiceRecord): ServiceRecord {
  const { ttl, port, appOptions } = record
  const rest = { ...(appOptions !== undefined && { appOptions }) }
  if (!('target' in record)) return { ttl, port, ...rest }
  return { ttl, priority: record.priority, weight: record.weight, port, target: record.target, ...rest }
}

const whole16 = (text: string): number => number(text, MAX_PORT)
const whole32 = (text: string): number => number(text, MAX_NUMBER)

function number (text: string, max: number): number {
  if (!/^\d{1,10}$/.test(text) || Number(text) > max) throw malformed('a number of a service record')
  return Number(text)
}

function word (text: string): string {
  if (!WORD.test(text)) throw malformed('a word of a service record')
  return text
}
