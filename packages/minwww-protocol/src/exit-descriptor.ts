import { ProtocolError } from './errors.ts'

/** What an exit is asked for to say what it is, by message or by stream (section 10). */
export const DESCRIPTOR_URL = 'minwww://exit/descriptor'
/** The same for a client that can only ask for a path of the exit's own address. */
export const DESCRIPTOR_PATH = '/.well-known/minwww-exit'
/** Longest line, bytes. The largest Destination and signature of I2P leave 2 KB for the rest. */
export const MAX_DESCRIPTOR = 4_096
/** Longest time from `date` to `expires`, s. */
export const DESCRIPTOR_LIFE = 7 * 86_400
/** A date may be so far ahead of the reader's clock, s: both clocks may be an hour off. */
export const DESCRIPTOR_SKEW = 7_200
/** Longest contact, characters. */
export const MAX_CONTACT = 128
const MAX_PROPERTIES = 32
/** Entries of a list in it. */
export const MAX_DESCRIPTOR_ENTRIES = 64

/** What an exit may refuse beside hosts of private networks. */
export const FILTERS = ['allowed-hosts', 'denied-hosts', 'allowed-clients', 'denied-clients', 'denied-types'] as const
export type Filter = typeof FILTERS[number]

/** What an exit says of itself. */
export interface ExitProfile {
  /** Versions of the protocol that it speaks. */
  readonly versions: readonly number[]
  /** False: it serves its own sites only. */
  readonly web: boolean
  /** Of the web; empty: all but TRACE. */
  readonly methods: readonly string[]
  /** Of the web. */
  readonly ports: readonly number[]
  readonly filters: readonly Filter[]
  /** Bytes; 0 or absent: no limit. */
  readonly maxResponse?: number
  readonly maxRequest?: number
  /** Bytes a second towards I2P, of all clients; 0 or absent: no limit that it tells. */
  readonly rate?: number
  /** Requests a minute of one client; 0 or absent: no limit. */
  readonly requests?: number
  /** Percent of what it offers that nobody uses now. */
  readonly free?: number
  /** It sends what a page needs before it is asked for (PUSH). */
  readonly pushes: boolean
  /** For people: printable ASCII without `#`. */
  readonly contact?: string
}

interface Dated {
  /** `...b32.i2p` of the Destination. */
  readonly b32: string
  /** Base64 Destination. */
  readonly destination: string
  /** Epoch seconds. */
  readonly date: number
  readonly expires: number
}

export interface ExitDescriptor extends Dated, ExitProfile { readonly kind: 'exit' }
/** The exit is no more, and what it said of itself before `date` is void. */
export interface Revocation extends Dated { readonly kind: 'revoked' }
export type Statement = ExitDescriptor | Revocation

/** A line taken apart. Nothing of it is true before the signature was verified. */
export interface ParsedStatement {
  readonly statement: Statement
  /** What the signature covers. */
  readonly signed: Buffer
  readonly signature: string
  /** Base64 of I2P's OfflineSignature, where a transient key signed. */
  readonly offline?: string
}

/** Who signs: a LocalDestination, seen from here. */
export interface StatementSigner {
  readonly b32: string
  readonly base64: string
  /** Base64 of its OfflineSignature. */
  readonly offline?: string
  /** Base64 of the signature. */
  sign (data: Buffer): string
}

/** One signed line, without its line break. @throws ProtocolError MINWWW_BAD_DESCRIPTOR for what `parseStatement` refuses */
export function writeDescriptor (profile: ExitProfile, date: number, expires: number, signer: StatementSigner): string {
  const { versions, web, methods, ports, filters, maxResponse = 0, maxRequest = 0, rate = 0, requests = 0, free, pushes, contact } = profile
  return write([
    ['action', 'exit'], ['date', date], ['expires', expires], ['minwww', versions.join()], ['web', yesNo(web)],
    ['methods', methods.length === 0 ? '*' : methods.join()], ['ports', ports.join()],
    ...optional('filters', filters.join()), ...optional('maxresponse', maxResponse), ...optional('maxrequest', maxRequest),
    ...optional('rate', rate), ...optional('requests', requests), ...(free === undefined ? [] : [['free', free] as const]),
    ['push', yesNo(pushes)], ...optional('contact', contact ?? '')
  ], signer)
}

/** The same for an exit that has ended. */
export function writeRevocation (date: number, expires: number, signer: StatementSigner): string {
  return write([['action', 'revoke'], ['date', date], ['expires', expires]], signer)
}

type Property = readonly [key: string, value: string | number]

function write (properties: readonly Property[], signer: StatementSigner): string {
  const all = signer.offline === undefined ? properties : [...properties, ['offline', signer.offline] as const]
  if (all.some(([, value]) => String(value).includes('#'))) throw bad('a value with #')
  const unsigned = `${signer.b32}=${signer.base64}#!${all.map(([key, value]) => `${key}=${value}`).join('#')}`
  const line = `${unsigned}#sig=${signer.sign(Buffer.from(unsigned, 'latin1'))}`
  parseStatement(line)
  return line
}

const yesNo = (value: boolean): string => value ? 'yes' : 'no'
const optional = (key: string, value: string | number): Property[] => value === '' || value === 0 ? [] : [[key, value]]

const LINE = /^([a-z2-7]{52}\.b32\.i2p)=([A-Za-z0-9~-]{516,}={0,2})#!([\x20-\x7e]+)#sig=([A-Za-z0-9~-]+={0,2})$/
const PROPERTY = /^([a-z]{1,16})=([\x20-\x7e]*)$/

/**
 * Takes a line apart and checks everything but the signature, the address and the time. Properties that this version does not
 * know are ignored. @throws ProtocolError MINWWW_BAD_DESCRIPTOR
 */
export function parseStatement (line: string): ParsedStatement {
  if (line.length > MAX_DESCRIPTOR) throw bad('longer than a descriptor may be')
  const match = LINE.exec(line)
  if (match === null) throw bad('not NAME=DESTINATION#!PROPERTIES#sig=SIGNATURE')
  const [, b32, destination, text, signature] = match as unknown as [string, string, string, string, string]
  const properties = propertiesOf(text)
  const dated = { b32, destination, date: number(properties, 'date', 1), expires: number(properties, 'expires', 1) }
  const life = dated.expires - dated.date
  if (life <= 0 || life > DESCRIPTOR_LIFE) throw bad('it holds for longer than seven days, or not at all')
  const offline = properties.get('offline')
  if (offline !== undefined && !/^[A-Za-z0-9~-]+={0,2}$/.test(offline)) throw bad('offline')
  return {
    statement: statementOf(dated, properties),
    signed: Buffer.from(line.slice(0, line.lastIndexOf('#sig=')), 'latin1'),
    signature,
    ...(offline !== undefined && { offline })
  }
}

function statementOf (dated: Dated, properties: ReadonlyMap<string, string>): Statement {
  switch (properties.get('action')) {
    case 'revoke': return { kind: 'revoked', ...dated }
    case 'exit': return { kind: 'exit', ...dated, ...profileOf(properties) }
    default: throw bad('action')
  }
}

function profileOf (properties: ReadonlyMap<string, string>): ExitProfile {
  const methods = properties.get('methods')
  const contact = properties.get('contact')
  if (contact !== undefined && contact.length > MAX_CONTACT) throw bad('contact')
  const numbers = Object.entries(NUMBERS).flatMap(([key, name]) => properties.has(key) ? [[name, number(properties, key, 0)]] : [])
  const profile: ExitProfile = {
    versions: entries(properties, 'minwww', /^[1-9]\d{0,2}$/).map(Number),
    web: flag(properties, 'web'),
    methods: methods === '*' ? [] : entries(properties, 'methods', /^[A-Z][A-Z-]{0,31}$/),
    ports: entries(properties, 'ports', /^[1-9]\d{0,4}$/).map(Number),
    // A later version may know further ones.
    filters: properties.has('filters') ? entries(properties, 'filters', /^[a-z-]{1,32}$/).filter(isFilter) : [],
    pushes: flag(properties, 'push'),
    ...Object.fromEntries(numbers) as Partial<ExitProfile>,
    ...(contact !== undefined && { contact })
  }
  if (profile.ports.some(port => port > 65_535)) throw bad('ports')
  if ((profile.free ?? 0) > 100) throw bad('free')
  return profile
}

/** Properties that hold a number, and the fields they become. */
const NUMBERS: Readonly<Record<string, keyof ExitProfile>> = {
  maxresponse: 'maxResponse', maxrequest: 'maxRequest', rate: 'rate', requests: 'requests', free: 'free'
}

const isFilter = (text: string): text is Filter => (FILTERS as readonly string[]).includes(text)

function propertiesOf (text: string): Map<string, string> {
  const parts = text.split('#', MAX_PROPERTIES + 1)
  if (parts.length > MAX_PROPERTIES) throw bad('too many properties')
  const properties = new Map<string, string>()
  for (const part of parts) {
    const [, key, value] = PROPERTY.exec(part) ?? []
    if (key === undefined || value === undefined || properties.has(key) || key === 'sig') throw bad('a property')
    properties.set(key, value)
  }
  return properties
}

function number (properties: ReadonlyMap<string, string>, key: string, least: number): number {
  const text = properties.get(key) ?? ''
  const value = Number(text)
  if (!/^(0|[1-9]\d{0,14})$/.test(text) || value < least) throw bad(key)
  return value
}

function flag (properties: ReadonlyMap<string, string>, key: string): boolean {
  const text = properties.get(key)
  if (text !== 'yes' && text !== 'no') throw bad(key)
  return text === 'yes'
}

function entries (properties: ReadonlyMap<string, string>, key: string, form: RegExp): string[] {
  const list = (properties.get(key) ?? '').split(',', MAX_DESCRIPTOR_ENTRIES + 1)
  if (list.length > MAX_DESCRIPTOR_ENTRIES || list.some(entry => !form.test(entry)) || new Set(list).size < list.length) throw bad(key)
  return list
}

function bad (what: string): ProtocolError {
  return new ProtocolError('MINWWW_BAD_DESCRIPTOR', `malformed descriptor: ${what}`)
}
