import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Missing } from '../missing.ts'

/** A certificate authority of one run, and what it has signed for 127.0.0.1. */
export interface Certificate {
  /** PEM. */
  readonly ca: Buffer
  readonly chain: Buffer
  readonly key: Buffer
  /** Holds `chain.pem`, `key.pem` and `ca.pem`. */
  readonly folder: string
  close (): void
}

/** node makes no certificates. */
export function opensslMissing (): Missing | undefined {
  const { status } = spawnSync('openssl', ['version'], { stdio: 'ignore' })
  return status === 0 ? undefined : { reason: 'no openssl', hint: 'install openssl, which makes the certificates of the run' }
}

/** @throws Error with what openssl says */
export function makeCertificate (): Certificate {
  const folder = mkdtempSync(join(tmpdir(), 'minwww-bench-tls-'))
  const file = (name: string): string => join(folder, name)
  const openssl = (...args: string[]): void => {
    const { status, stderr } = spawnSync('openssl', args)
    if (status !== 0) throw new Error(`openssl ${args[0] ?? ''}: ${stderr.toString()}`)
  }
  const close = (): void => rmSync(folder, { recursive: true, force: true })
  try {
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
    openssl('req', '-x509', ...curve, '-days', '2', '-subj', '/CN=MinWWW bench CA', '-keyout', file('ca.key'), '-out', file('ca.pem'))
    openssl('req', ...curve, '-subj', '/CN=127.0.0.1', '-keyout', file('key.pem'), '-out', file('site.csr'))
    writeFileSync(file('site.ext'), 'subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n')
    openssl('x509', '-req', '-in', file('site.csr'), '-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial', '-days', '2',
      '-extfile', file('site.ext'), '-out', file('site.pem'))
    const ca = readFileSync(file('ca.pem'))
    const chain = Buffer.concat([readFileSync(file('site.pem')), ca])
    writeFileSync(file('chain.pem'), chain)
    return { ca, chain, key: readFileSync(file('key.pem')), folder, close }
  } catch (error) {
    close()
    throw error
  }
}
