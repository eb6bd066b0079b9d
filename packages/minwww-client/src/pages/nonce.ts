import { randomBytes, timingSafeEqual } from 'node:crypto'
import { ProxyError } from '../http/failures.ts'

/** Nobody else's page can read it: a request that changes something must bring it. One per process. */
export const PAGE_NONCE = randomBytes(16).toString('hex')

/** @throws ProxyError MINWWW_FORBIDDEN */
export function checkNonce (value: unknown): void {
  const given = Buffer.from(typeof value === 'string' ? value : '')
  const right = Buffer.from(PAGE_NONCE)
  if (given.length !== right.length || !timingSafeEqual(given, right)) {
    throw new ProxyError('MINWWW_FORBIDDEN', 'the page is too old: load it again')
  }
}
