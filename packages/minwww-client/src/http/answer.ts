import type { Readable } from 'node:stream'
import type { Fields } from './fields.ts'
import type { RequestTrace } from '../core.ts'
import type { Target } from './target.ts'

/** A request as it goes to an exit, a site or the cache: already rebuilt. */
export interface SiteRequest {
  readonly method: string
  readonly target: Target
  readonly fields: Fields
  /** Present where the browser sends a body. */
  readonly body?: Readable
  readonly bodyLength?: number
  /** The browser waits for 100 (Continue), or has waited. */
  readonly expectsContinue?: boolean
  readonly signal: AbortSignal
  /** Takes interim answers that go on to the browser, 102 and above, with their fields filtered. */
  readonly interim?: (status: number, reason: string, fields: Fields) => void
  /** Host of the page that the browser came from; it never leaves the proxy. */
  readonly from?: string | undefined
  /** The browser's Referer as it came: which page needs this; it never leaves the proxy. */
  readonly referer?: string | undefined
  /** A person waits for it in front of a window. */
  readonly isPage?: boolean
  /** ms left of the deadline, where a part of it has passed already. */
  readonly timeout?: number
}

/** A response with its fields already filtered; the body is whole, or a stream. */
export interface Answer {
  readonly status: number
  readonly reason: string
  readonly fields: Fields
  readonly body: Buffer | Readable
  readonly path: 'message' | 'stream' | 'cache' | 'stale'
  /** Why an old copy had to do: the cause of the failure, or the status of the site. */
  readonly because?: string
  readonly exit?: string
  readonly trace?: RequestTrace
  /** What it cost in the end, where it was still arriving; undefined where it broke off. */
  readonly finished?: Promise<RequestTrace | undefined>
}

/** Statuses that never have a body, and HEAD. */
export const isBodiless = (method: string, status: number): boolean =>
  method === 'HEAD' || status === 204 || status === 304 || status < 200

export function destroyBody ({ body }: Pick<Answer, 'body'>): void {
  if (!Buffer.isBuffer(body)) body.destroy()
}

/** Why a request was aborted. */
export const reasonOf = (signal: AbortSignal): Error => signal.reason instanceof Error ? signal.reason : new Error('aborted')
