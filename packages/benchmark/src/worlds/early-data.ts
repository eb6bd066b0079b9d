import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Address } from '../fetch.ts'
import type { Missing } from '../missing.ts'
import type { Certificate } from './certificate.ts'

/** node has no early data of TLS 1.3, neither as a client nor as a server: nginx answers it, openssl's s_client sends it. */
const NGINX = '/usr/sbin/nginx'
const REQUEST = 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n'
/** What the page says if its request came as early data. */
const EARLY = 'early data: 1'
const READY_TRIES = 100

export function earlyDataMissing (): Missing | undefined {
  const { status } = spawnSync('openssl', ['s_client', '-help'], { stdio: 'ignore' })
  if (existsSync(NGINX) && status === 0) return undefined
  return { reason: 'no nginx, which answers early data', hint: 'install nginx and openssl' }
}

export interface EarlySite {
  readonly port: number
  /** One page by early data, by a ticket fetched before: ms until its first byte. @throws Error, also where it was no early data */
  fetch: (via: Address, timeout: number) => Promise<number>
  close: () => Promise<void>
}

export async function startEarlySite ({ folder }: Pick<Certificate, 'folder'>): Promise<EarlySite> {
  const home = join(folder, 'nginx')
  mkdirSync(home)
  const port = await freePort()
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(name => `${name}_temp_path ${home}/${name};`)
  writeFileSync(join(home, 'nginx.conf'), [
    'daemon off; worker_processes 1;', `pid ${home}/pid;`, `error_log ${home}/error.log;`, 'events { worker_connections 64; }',
    'http { access_log off;', ...temporary,
    `server { listen 127.0.0.1:${port} ssl; ssl_protocols TLSv1.3; ssl_early_data on;`,
    `ssl_certificate ${folder}/chain.pem; ssl_certificate_key ${folder}/key.pem;`,
    'location / { default_type text/plain; return 200 "early data: $ssl_early_data\\n"; } } }'
  ].join('\n'))
  writeFileSync(join(home, 'request'), REQUEST)
  const server = spawn(NGINX, ['-c', join(home, 'nginx.conf'), '-p', home, '-e', join(home, 'error.log')], { stdio: 'ignore' })
  const ended = new Promise(resolve => server.once('exit', resolve))
  for (let tries = 0; !existsSync(join(home, 'pid')) && tries < READY_TRIES; tries++) await sleep(20)
  return {
    port,
    fetch: async (via, timeout) => {
      const ask = async (...args: string[]): Promise<{ firstByte: number, text: string }> => await openssl([
        's_client', '-proxy', `${via.host}:${via.port}`, '-connect', `127.0.0.1:${port}`, '-tls1_3', '-quiet',
        '-CAfile', join(folder, 'ca.pem'), '-verify_return_error', '-sess_out', join(home, 'ticket'), ...args
      ], timeout)
      await ask()
      const { firstByte, text } = await ask('-sess_in', join(home, 'ticket'), '-early_data', join(home, 'request'))
      if (!text.includes(EARLY)) throw new Error('the request was not taken as early data')
      return firstByte
    },
    close: async () => {
      server.kill('SIGTERM')
      await ended
    }
  }
}

/** With the request on standard input where it is no early data. @returns ms from the start of the program to its first output, and that */
async function openssl (args: string[], timeout: number): Promise<{ firstByte: number, text: string }> {
  const isEarly = args.includes('-early_data')
  const began = performance.now()
  const child: ChildProcess = spawn('openssl', args, { stdio: ['pipe', 'pipe', 'ignore'] })
  child.stdin!.on('error', () => {})
  if (!isEarly) child.stdin!.write(REQUEST)
  const timer = setTimeout(() => child.kill('SIGKILL'), timeout)
  let text = ''
  let firstByte = 0
  try {
    for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
      if (text === '') firstByte = performance.now() - began
      text += chunk.toString('latin1')
    }
  } finally {
    clearTimeout(timer)
    child.kill('SIGKILL')
  }
  if (text === '') throw new Error('openssl had no answer')
  return { firstByte, text }
}

async function freePort (): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}
