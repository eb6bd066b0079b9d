import { valueOf, type Fields } from './fields.ts'
import { hasBody } from './validate.ts'

/** How long a request waits for the router. */
export interface Patience {
  /** ms */
  timeout: number
  signal?: AbortSignal
}

const HARMLESS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Whether a request waits until the router is ready: what a program or a page asks for does. A page that a person opens
 * does not: it gets the one that shows progress and reloads itself. `fields`: as the browser sent them.
 */
export function waitsForRouter (method: string, fields: Fields): boolean {
  if (!HARMLESS.has(method) || hasBody(fields)) return false
  return !isNavigation(method, fields)
}

/** Whether a person opens this in a window. `fields`: as the browser sent them. */
export function isNavigation (method: string, fields: Fields): boolean {
  if (method !== 'GET') return false
  const accept = (valueOf(fields, 'accept') ?? '').trim().toLowerCase()
  const mode = valueOf(fields, 'sec-fetch-mode')
  return mode === undefined ? accept.startsWith('text/html') : mode === 'navigate' && accept.includes('text/html')
}
