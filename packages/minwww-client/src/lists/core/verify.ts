import { ByteReader, Destination, fromBase64, I2cpError, readOfflineSignature, verifyOffline, verifySignature } from '@minwww/i2cp/codec'
import { DESCRIPTOR_SKEW, parseStatement, ProtocolError, type ParsedStatement, type Statement } from '@minwww/protocol'

/** A statement that its Destination has signed, and that holds now. */
export interface Verified<S extends Statement = Statement> {
  readonly statement: S
  readonly destination: Destination
  /** As it came. */
  readonly line: string
}

/**
 * Reads a line and checks all of it: form, address, time and signature. The cheap checks come first.
 * @param now - epoch ms
 * @throws ProtocolError MINWWW_BAD_DESCRIPTOR, whose message says what is wrong
 */
export function verifyStatement (line: string, now: number): Verified {
  const parsed = parseStatement(line)
  const { statement } = parsed
  checkTime(statement, now)
  try {
    const destination = Destination.fromBase64(statement.destination)
    if (destination.b32 !== statement.b32) throw bad('the address is not that of the Destination')
    if (!isSigned(destination, parsed, now)) throw bad('the signature is wrong')
    return { statement, destination, line }
  } catch (error) {
    // A key or a Destination that is none.
    if (error instanceof I2cpError) throw bad(error.message)
    throw error
  }
}

/** Whether a statement that was in order holds at this time. */
export function holds ({ date, expires }: Statement, now: number): boolean {
  const seconds = now / 1_000
  return seconds < expires && seconds >= date - DESCRIPTOR_SKEW
}

function checkTime (statement: Statement, now: number): void {
  if (holds(statement, now)) return
  throw bad(now / 1_000 >= statement.expires ? 'it has expired' : 'its date is in the future: compare the clocks')
}

function isSigned (destination: Destination, { signed, signature, offline }: ParsedStatement, now: number): boolean {
  const bytes = fromBase64(signature)
  if (offline === undefined) return destination.verify(bytes, signed)
  const reader = new ByteReader(fromBase64(offline))
  const transient = readOfflineSignature(reader, destination.signingType)
  if (reader.remaining > 0) throw bad('offline')
  if (!verifyOffline(transient, destination.signingType, destination.signingPublicKey, now / 1_000)) return false
  return verifySignature(transient.transientType, transient.transientPublicKey, signed, bytes)
}

function bad (what: string): ProtocolError {
  return new ProtocolError('MINWWW_BAD_DESCRIPTOR', `descriptor refused: ${what}`)
}
