import { connect as connectTcp, isIP } from 'node:net'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import type { ConnectionOptions, TLSSocket } from 'node:tls'
import { I2cpError } from '../errors.ts'

export interface RouterAddress {
  readonly host: string
  readonly port: number
  /** TLS: true for the system's authorities, or details. */
  readonly tls?: boolean | RouterTls
}

export interface RouterTls {
  /** SHA-256 of the router's certificate, hex (colons allowed): accepted only if it matches, whoever signed it. */
  readonly fingerprint?: string
  readonly ca?: string | Buffer
  readonly servername?: string
  /** Client certificate and key, PEM. */
  readonly cert?: string | Buffer
  readonly key?: string | Buffer
}

const KEEP_ALIVE = 30_000

/** True for addresses and names that never leave this machine. */
export function isLoopback (host: string): boolean {
  if (host === 'localhost') return true
  const bare = host.replace(/^\[|\]$/g, '')
  return isIP(bare) === 4 ? bare.startsWith('127.') : bare === '::1'
}

/** Throws I2CP_INSECURE for plain TCP to another machine: keys and passwords would be readable on the way. */
export function checkAddress (router: RouterAddress, allowPlainRemote: boolean): void {
  if (router.tls || allowPlainRemote || isLoopback(router.host)) return
  throw new I2cpError('I2CP_INSECURE', `${router.host} is not this machine: use TLS, a tunnel, or allowPlainRemote`)
}

/** Opens a socket; 'connect' or 'secureConnect' has fired when it resolves. Rejects with a coded error. */
export function openTransport (router: RouterAddress, signal: AbortSignal): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = router.tls
      ? openTls(router, router.tls === true ? {} : router.tls)
      : connectTcp({ host: router.host, port: router.port })
    socket.setNoDelay(true)
    socket.setKeepAlive(true, KEEP_ALIVE)
    const abort = () => { socket.destroy(); fail(new I2cpError('I2CP_TIMEOUT', 'connecting took too long')) }
    const fail = (error: Error) => {
      signal.removeEventListener('abort', abort)
      reject(error instanceof I2cpError ? error : connectError(router, error))
    }
    socket.once('error', fail)
    socket.once(router.tls ? 'secureConnect' : 'connect', () => {
      signal.removeEventListener('abort', abort)
      socket.removeListener('error', fail)
      const mismatch = pinMismatch(router, socket)
      if (mismatch === undefined) return resolve(socket)
      socket.destroy()
      reject(mismatch)
    })
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
  })
}

function openTls (router: RouterAddress, tls: RouterTls): TLSSocket {
  const options: ConnectionOptions = {
    host: router.host,
    port: router.port,
    minVersion: 'TLSv1.2',
    // A pin replaces the chain: routers sign their certificates themselves.
    rejectUnauthorized: tls.fingerprint === undefined,
    ...(tls.ca !== undefined && { ca: tls.ca }),
    ...(tls.cert !== undefined && { cert: tls.cert }),
    ...(tls.key !== undefined && { key: tls.key })
  }
  const servername = tls.servername ?? (isIP(router.host) ? undefined : router.host)
  return connectTls(servername === undefined ? options : { ...options, servername })
}

function pinMismatch (router: RouterAddress, socket: Socket): I2cpError | undefined {
  if (typeof router.tls !== 'object' || router.tls.fingerprint === undefined) return undefined
  const shown = plainHex((socket as TLSSocket).getPeerCertificate().fingerprint256 ?? '')
  return shown === plainHex(router.tls.fingerprint) ? undefined : new I2cpError('I2CP_TLS_PIN_MISMATCH')
}

function plainHex (fingerprint: string): string { return fingerprint.replaceAll(':', '').toLowerCase() }

function connectError (router: RouterAddress, cause: Error): I2cpError {
  const { code = cause.message } = cause as NodeJS.ErrnoException
  const hint = code === 'ECONNREFUSED' ? '; does the router run, and is I2CP switched on (i2pd: [i2cp] enabled = true)?' : ''
  return new I2cpError('I2CP_CONNECT_FAILED', `no I2CP router at ${router.host}:${router.port} (${code})${hint}`, { cause })
}
