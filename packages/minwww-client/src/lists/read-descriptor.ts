import type { Destination } from '@minwww/i2cp'
import { DESCRIPTOR_URL, encodeRequestHead, MAX_DESCRIPTOR, parseResponse, ProtocolError, type ExitDescriptor } from '@minwww/protocol'
import type { ClientDriver } from '../sessions/client-driver.ts'
import { verifyStatement, type Verified } from './core/verify.ts'

export interface ReadOptions {
  /** ms */
  timeout: number
  /** Epoch ms, by which the descriptor must hold. */
  now: () => number
  signal?: AbortSignal
}

/**
 * Asks an exit what it is, by message, and checks what it says. So the way to it was tried as well.
 * @throws FetchError if nothing comes; ProtocolError for an answer that is not its descriptor; the signal's reason
 */
export async function readDescriptor (
  driver: Pick<ClientDriver, 'fetch'>, destination: Destination, { timeout, now, signal }: ReadOptions
): Promise<Verified<ExitDescriptor>> {
  const message = encodeRequestHead({ method: 'GET', url: DESCRIPTOR_URL, headers: [['Host', 'minwww']] })
  const event = await driver.fetch({
    message, site: destination.b32, idempotent: true, timeout, destination, ...(signal !== undefined && { signal })
  })
  const { status, body } = parseResponse(event.message, event.rest === undefined ? 'whole' : 'beginning')
  if (status !== 200) throw refused(`status ${status}`)
  if (body.length > MAX_DESCRIPTOR + 2) throw refused('longer than a descriptor may be')
  const verified = verifyStatement(body.toString('latin1').replace(/\r?\n$/, ''), now())
  const { statement } = verified
  if (statement.b32 !== destination.b32) throw refused('it is that of another exit')
  if (statement.kind !== 'exit') throw refused('the exit says that it is no more')
  return { ...verified, statement }
}

const refused = (what: string): ProtocolError => new ProtocolError('MINWWW_BAD_DESCRIPTOR', `descriptor refused: ${what}`)
