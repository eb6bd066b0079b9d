import type { Clock } from '@minwww/ground'
import { ByteWriter, toBase64, writeOfflineSignature, type LocalDestination } from '@minwww/i2cp/codec'
import {
  DESCRIPTOR_LIFE,
  DESCRIPTOR_URL,
  encodeResponse,
  MAX_CONTACT,
  MAX_DESCRIPTOR_ENTRIES,
  writeDescriptor,
  writeRevocation,
  type ExitProfile,
  type HeaderList,
  type StatementSigner
} from '@minwww/protocol'
import { ServerError } from '../errors.ts'

/** A descriptor is signed anew after this, ms: nobody makes an exit sign more often. */
const FRESH = 60_000
/** The share that is free is told in steps of so many percent: it shall not tell what one client does. */
const STEP = 20
const FIELDS: HeaderList = [['Content-Type', 'text/plain; charset=us-ascii'], ['Cache-Control', 'no-store']]

export interface DescriptorOptions {
  keys: LocalDestination
  clock: Clock
  /** ms: the router's time minus ours. */
  clockOffset: () => number
  profile: () => ExitProfile
}

/** What the exit says of itself, signed by its Destination. */
export class OwnDescriptor {
  readonly #options: DescriptorOptions
  readonly #signer: StatementSigner
  #signed: { line: string, at: number } | undefined

  constructor (options: DescriptorOptions) {
    this.#options = options
    this.#signer = statementSigner(options.keys)
  }

  /** The signed line of section 10 of docs/reference/protocol.md. */
  get line (): string {
    const { keys, clock, clockOffset, profile } = this.#options
    const now = clock.now()
    if (this.#signed !== undefined && now - this.#signed.at < FRESH && now >= this.#signed.at) return this.#signed.line
    const date = Math.floor((now + clockOffset()) / 1_000)
    // What a transient key signs is worth nothing after that key.
    const expires = Math.min(date + DESCRIPTOR_LIFE, keys.offline?.expires ?? Infinity)
    const line = writeDescriptor(told(profile()), date, expires, this.#signer)
    this.#signed = { line, at: now }
    return line
  }

  /** Limits or rules have changed. */
  forget (): void { this.#signed = undefined }
}

/** Of very long lists the beginning: what is not told is not asked for. */
const told = (profile: ExitProfile): ExitProfile => ({
  ...profile,
  methods: [...new Set(profile.methods)].filter(method => /^[A-Z][A-Z-]{0,31}$/.test(method)).slice(0, MAX_DESCRIPTOR_ENTRIES),
  ports: [...new Set(profile.ports)].slice(0, MAX_DESCRIPTOR_ENTRIES)
})

/** @throws ServerError MINWWW_EXIT_BAD_OPTION */
export function checkContact (contact: string): string {
  if (/^[\x20-\x22\x24-\x7e]*$/.test(contact) && contact.length <= MAX_CONTACT) return contact
  throw new ServerError('MINWWW_EXIT_BAD_OPTION', `a contact has at most ${MAX_CONTACT} characters, printable ASCII without #`)
}

/** Says that an exit is no more; it holds as long as any descriptor of before can. @param now - epoch s */
export function revoke (keys: LocalDestination, now: number): string {
  return writeRevocation(now, Math.min(now + DESCRIPTOR_LIFE, keys.offline?.expires ?? Infinity), statementSigner(keys))
}

function statementSigner (keys: LocalDestination): StatementSigner {
  const { destination: { b32, base64 }, offline } = keys
  return {
    b32,
    base64,
    ...(offline !== undefined && { offline: toBase64(offlineBytes(offline)) }),
    sign: data => toBase64(keys.sign(data))
  }
}

function offlineBytes (offline: NonNullable<LocalDestination['offline']>): Buffer {
  const writer = new ByteWriter()
  writeOfflineSignature(writer, offline)
  return writer.toBuffer()
}

/** True for the request that asks by message. */
export const asksForDescriptor = ({ method, url }: { method: string, url: string }): boolean => method === 'GET' && url === DESCRIPTOR_URL

/** The fields and the body of the answer, by whatever way. */
export const descriptorAnswer = (line: string): { headers: HeaderList, body: Buffer } => {
  const body = Buffer.from(`${line}\n`, 'latin1')
  return { headers: [...FIELDS, ['Content-Length', String(body.length)]], body }
}

/** The answer as the core takes it. */
export const descriptorMessage = (line: string): Buffer => encodeResponse({ status: 200, reason: 'OK', ...descriptorAnswer(line) })

/** Percent, of the scarcest of several shares from 0 to 1. */
export function freeShare (...shares: number[]): number {
  const least = Math.min(1, ...shares.filter(share => !Number.isNaN(share)))
  return Math.round(Math.max(0, least) * 100 / STEP) * STEP
}
