import { request } from 'node:http'
import { formatHostPort, type HostPort } from '../address.ts'
import { CliError } from '../errors.ts'

/** Longest wait for an answer of what listens there, ms; and most of it that is read, bytes. */
const PATIENCE = 5_000
const MAX_ANSWER = 65_536

/** Whether a MinWWW proxy listens at the address. Throws CliError if something else does. */
export async function isProxyAt (address: HostPort): Promise<boolean> {
  const answer = await health(address).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ECONNREFUSED') return undefined
    throw otherThan(address, error)
  })
  if (answer === undefined) return false
  if (!isHealth(answer)) throw otherThan(address)
  return true
}

function otherThan (address: HostPort, cause?: unknown): CliError {
  const text = `${formatHostPort(address)}: something listens there that is no MinWWW proxy; choose another address with --proxy`
  return new CliError('MINWWW_NO_PROXY', text, 1, { cause })
}

async function health ({ host, port }: HostPort): Promise<string> {
  return await new Promise((resolve, reject) => {
    const asked = request({ host, port, path: '/healthz', agent: false, timeout: PATIENCE }, response => {
      let text = ''
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString('latin1')
        if (text.length > MAX_ANSWER) response.destroy(new Error('a long answer'))
      })
      response.once('end', () => resolve(text)).once('error', reject)
    })
    asked.once('timeout', () => asked.destroy(new Error('no answer'))).once('error', reject).end()
  })
}

function isHealth (text: string): boolean {
  try {
    const { ready, state } = JSON.parse(text) as { ready?: unknown, state?: unknown }
    return typeof ready === 'boolean' && typeof state === 'string'
  } catch {
    return false
  }
}
