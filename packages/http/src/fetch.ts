import type { Dispatcher, fetch as undiciFetch, Request, RequestInit, Response } from 'undici'
import { I2pError, toI2pError } from './errors.ts'
import { checkHost, takeBase64 } from './host.ts'
import type { KnownDestinations } from './known.ts'

export interface I2pRequestInit extends RequestInit {
  /** Until the head of the answer, redirects included, ms; default the option requestTimeout. */
  timeout?: number
}

/**
 * As the global fetch(), for hosts that are I2P addresses. Rejects with an I2pError; when its AbortSignal says so, with the
 * signal's reason. While the body is read, the I2pError is the `cause` of what is thrown.
 */
export type I2pFetch = (input: string | URL | Request | globalThis.Request, init?: I2pRequestInit) => Promise<Response>

interface FetchParts {
  readonly fetch: typeof undiciFetch
  readonly dispatcher: Dispatcher
  readonly known: KnownDestinations
  readonly requestTimeout: number
}

interface Target { url: string, init: RequestInit }

export function createFetch ({ fetch, dispatcher, known, requestTimeout }: FetchParts): I2pFetch {
  return async (input, { timeout = requestTimeout, ...given } = {}) => {
    const { url, init } = targetOf(input, given)
    const base64 = takeBase64(url)
    if (base64 !== undefined) known.add(base64.destination)
    const address = base64?.url ?? url
    const host = hostOf(address)
    checkHost(host)
    const { signal } = init
    const deadline = new AbortController()
    const timer = setTimeout(() => deadline.abort(new I2pError('I2P_TIMEOUT', { host, detail: `${timeout} ms` })), timeout)
    try {
      return await fetch(address, {
        ...init, dispatcher, signal: signal ? AbortSignal.any([signal, deadline.signal]) : deadline.signal
      })
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason
      throw toI2pError(deadline.signal.aborted ? deadline.signal.reason : error, host)
    } finally {
      clearTimeout(timer)
    }
  }
}

/** A Request of whatever make becomes its URL and what is to be done with it. */
function targetOf (input: string | URL | Request | globalThis.Request, init: RequestInit): Target {
  if (typeof input === 'string' || input instanceof URL) return { url: String(input), init }
  const { url, method, headers, body, signal, redirect } = input as Request
  return {
    url, init: { method, headers: [...headers], redirect, signal, ...(body !== null && { body, duplex: 'half' as const }), ...init }
  }
}

/** Throws the TypeError of new URL(), and I2P_NOT_I2P for other schemes. */
function hostOf (url: string): string {
  const { protocol, hostname, host } = new URL(url)
  if (protocol !== 'http:' && protocol !== 'https:') throw new I2pError('I2P_NOT_I2P', { host: `${protocol}//${host}` })
  return hostname
}
