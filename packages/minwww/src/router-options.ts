import {
  checkOptions, createSession, I2cpError, isLoopback, openSession as beginSession, type LocalDestination, type Session,
  type SessionOptions
} from '@minwww/i2cp'
import { parseHostPort, type HostPort } from './address.ts'
import { CliError, explain, UsageError } from './errors.ts'
import type { Logger, Reporter } from './output.ts'

/** How long a command waits for the router to build the first tunnels, ms. A Java router builds none in its first 90 s. */
const TUNNEL_PATIENCE = 180_000

/** A service looks for its router again after 0.25 s, and at least so often, ms. */
const RECONNECT = { min: 250, max: 5_000 }

interface RouterSettings { router: string, allowPlainRemote: boolean, i2cpOption?: readonly string[] }

/** Options of a session over TCP to the router that the user named. */
export function routerOptions (settings: RouterSettings, logger: Logger): SessionOptions {
  const { router, allowPlainRemote, i2cpOption = [] } = settings
  const address = parseRouter(router, '--router')
  checkRemote(address, allowPlainRemote, '--router')
  return { router: address, allowPlainRemote, options: parseI2cpOptions(i2cpOption), backoff: RECONNECT, logger }
}

/** Reads `HOST:PORT` of a router. Throws UsageError that begins with `name`. */
export function parseRouter (text: string, name: string): HostPort {
  if (/^[A-Za-z0-9.-]+$/.test(text)) throw new UsageError(`${name}: '${text}' has no port: write ${text}:7654, which is I2CP's port`)
  return parseHostPort(text, name)
}

/** Throws UsageError for a router on another machine, to which keys and pages would go in the clear. */
export function checkRemote ({ host }: HostPort, allowPlainRemote: boolean, name: string): void {
  if (allowPlainRemote || isLoopback(host)) return
  throw new UsageError(
    `${name}: ${host} is not this machine, and I2CP to it is not encrypted: use a tunnel (ssh -L), or --allow-plain-remote if you ` +
    'trust all of the way'
  )
}

/** Checks one `NAME=VALUE` option of an I2CP session. Throws UsageError that begins with `name`. */
export function checkI2cpOption (entry: string, name: string): void {
  const options = parseI2cpOptions([entry], name)
  try {
    checkOptions(options)
  } catch (error) {
    throw new UsageError(`${name}: ${(error as Error).message}`, { cause: error })
  }
}

/** Reads `NAME=VALUE` options of an I2CP session. Throws UsageError. */
export function parseI2cpOptions (entries: readonly string[], name = '--i2cp-option'): Record<string, string> {
  return Object.fromEntries(entries.map(entry => {
    const equals = entry.indexOf('=')
    if (equals < 1) throw new UsageError(`${name}: '${entry}' is not NAME=VALUE, for example inbound.length=1`)
    return [entry.slice(0, equals), entry.slice(equals + 1)]
  }))
}

/**
 * Opens a session and waits until its first LeaseSet is made, telling people what it waits for.
 * Throws CliError with one line that says what to do when there is no router or it refuses.
 */
export async function openSession (
  settings: RouterSettings, keys: LocalDestination | undefined, logger: Logger, reporter: Reporter, name: string
): Promise<Session> {
  const options = routerOptions(settings, logger) // what is wrong with them is said first
  reporter.progress(`${name}: building tunnels over the router at ${settings.router}`)
  const began = performance.now()
  try {
    const session = await patiently(TUNNEL_PATIENCE, signal => createSession({ ...options, ...(keys !== undefined && { keys }), signal }))
    reporter.progress(`${name}: ready after ${((performance.now() - began) / 1000).toFixed(1)} s`)
    return session
  } catch (error) {
    throw routerProblem(error, settings.router)
  }
}

/** Tunnels of a Destination that stands beside the first one, unless somebody says otherwise: i2pd builds five each way by itself. */
const BESIDE = { 'inbound.quantity': '3', 'outbound.quantity': '3' }

/**
 * Opens a session with keys of its own after the router was lost, or beside others: it waits for the router, and is 'connecting' when
 * this returns.
 */
export function renewSession (settings: RouterSettings, logger: Logger, isBeside = false): Session {
  const { options, ...more } = routerOptions(settings, logger)
  return beginSession({ ...more, options: { ...(isBeside && BESIDE), ...options }, waitForRouter: true })
}

/** What it means to somebody who typed a command that a session over the router at `address` could not be opened. */
export function routerProblem (error: unknown, address: string): CliError {
  if (!(error instanceof I2cpError)) return explain(error, address)
  const because = (code: string, text: string): CliError => new CliError(code, text, 1, { cause: error })
  switch (error.code) {
    case 'I2CP_CONNECT_FAILED':
      return because(
        'MINWWW_NO_ROUTER',
        `no I2CP router answers at ${address}; start one ('minwww router', or i2pd with i2cp.enabled=true) or correct --router`
      )
    case 'I2CP_FRAME_TOO_LARGE': case 'I2CP_MALFORMED': case 'I2CP_UNKNOWN_MESSAGE':
      return because(error.code, `${address}: ${error.message}; ${NOT_I2CP}`)
    case 'I2CP_TIMEOUT': case 'I2CP_DISCONNECTED':
      return because(
        error.code, `${address}: ${error.message}; give the router some minutes after its start, and see that I2CP is what listens there`
      )
    default: return explain(error, address)
  }
}

/** What to do where something else than a router listens. */
export const NOT_I2CP = "correct --router: I2CP has port 7654 unless the router's configuration says otherwise"

/** Opens a session, and aborts that after `patience` ms. The signal of a session ends it at any time, so the timer must go. */
export async function patiently (patience: number, open: (signal: AbortSignal) => Promise<Session>): Promise<Session> {
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(), patience)
  try {
    return await open(controller.signal)
  } finally {
    clearTimeout(timer)
  }
}
