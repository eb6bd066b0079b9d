import { spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request, type IncomingHttpHeaders } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { spawnBound } from './bound-process.ts'

export const ROOT = fileURLToPath(new URL('../../', import.meta.url))
export const CLI = join(ROOT, 'packages/minwww/bin/minwww.js')

/** Longest wait for a service to say that it is ready, ms. */
const READY_TIMEOUT = 60_000
/** And for what it has said last, once it is gone: a program that it started may keep its output open. */
const FLUSHED_TIMEOUT = 5_000
/** What another process does is there after this at the latest, ms: what it logs, what it has found out. */
const SOON = 30_000

export interface Service {
  /** The JSON line that the service printed. */
  json: Record<string, any>
  child: ChildProcess
  /** Time from start to the ready line, ms. */
  startup: number
  stderr: () => string
  /** Ends the service, and returns the exit status and how long it took, ms. All that it said is in `stderr` then. */
  stop: (signal?: NodeJS.Signals) => Promise<{ status: number | null, took: number }>
}

/** What a service runs under: a command that executes its arguments, additions to the environment, another program, its folder. */
export interface Surroundings { wrapper?: readonly string[], env?: NodeJS.ProcessEnv, cli?: string, cwd?: string }

/** Starts `minwww ARGS --json`, waits for its line, and ends it with the test. */
export async function startService (
  t: Test, args: string[], { wrapper = [], env = {}, cli = CLI, cwd }: Surroundings = {}
): Promise<Service> {
  const began = performance.now()
  const [file = '', ...rest] = [...wrapper, process.execPath, cli, ...args, '--json']
  const child = spawnBound(file, rest, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env }, cwd })
  let stdout = ''
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => { stderr += chunk.toString() })
  const ended = endOf(child)
  const line = await new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`minwww ${args.join(' ')}: not ready in time\n${stderr}`)), READY_TIMEOUT)
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString()
      if (!stdout.includes('\n')) return
      clearTimeout(timer)
      resolve(stdout)
    })
    child.once('exit', status => {
      clearTimeout(timer)
      reject(new Error(`minwww ${args.join(' ')}: ended with status ${String(status)}\n${stderr}`))
    })
  }).catch((error: unknown) => {
    child.kill('SIGKILL')
    // The report of a test has the first line of its error only.
    process.stderr.write(`minwww ${args.join(' ')}: ${stderr === '' ? 'said nothing' : stderr.slice(-4_000)}\n`)
    throw error
  })
  let isStopped = false
  child.once('exit', (status, signal) => {
    if (!isStopped) process.stderr.write(`minwww ${args.join(' ')}: ended by itself, ${status ?? signal}\n${stderr.slice(-4_000)}\n`)
  })
  const stop: Service['stop'] = async (signal = 'SIGTERM') => {
    const before = performance.now()
    isStopped = true
    if (child.exitCode === null && child.signalCode === null) child.kill(signal)
    return await ended(before)
  }
  t.teardown(async () => { await stop('SIGKILL') })
  return { json: JSON.parse(line) as Record<string, any>, child, startup: performance.now() - began, stderr: () => stderr, stop }
}

/** Waits for the end of a process, which took so long since a time, and then for the rest of what it has said. */
function endOf (child: ChildProcess): (since: number) => Promise<{ status: number | null, took: number }> {
  const ended = new Promise<{ status: number | null, at: number }>(resolve => {
    child.once('exit', status => { resolve({ status, at: performance.now() }) })
  })
  const closed = new Promise<void>(resolve => child.once('close', () => { resolve() }))
  return async since => {
    const { status, at } = await ended
    let timer: NodeJS.Timeout | undefined
    await Promise.race([closed, new Promise(resolve => { timer = setTimeout(resolve, FLUSHED_TIMEOUT) })])
    clearTimeout(timer)
    return { status, took: Math.max(0, at - since) }
  }
}

export interface Command extends Pick<Service, 'child' | 'stderr' | 'stop'> {
  /** Resolves when it has printed something, wherever. */
  spoke: Promise<unknown>
}

/** Starts a command as somebody at a terminal does, and waits for nothing. */
export function startCommand (t: Test, args: string[]): Command {
  const child = spawnBound(process.execPath, [CLI, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => { stderr += chunk.toString() })
  const spoke = Promise.race([once(child.stdout, 'data'), once(child.stderr, 'data'), once(child, 'exit')])
  const ended = endOf(child)
  const stop: Service['stop'] = async (signal = 'SIGTERM') => {
    const before = performance.now()
    if (child.exitCode === null && child.signalCode === null) child.kill(signal)
    return await ended(before)
  }
  t.teardown(async () => { await stop('SIGKILL') })
  return { child, stderr: () => stderr, stop, spoke }
}

/** Runs a command to its end. */
export function runCli (args: string[], timeout = 60_000): { status: number | null, stdout: string, stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, ...args], { encoding: 'utf8', timeout })
  return { status, stdout, stderr }
}

export interface Page { status: number, headers: IncomingHttpHeaders, body: Buffer, took: number }

/** Fetches `url` through the HTTP proxy at `proxy`, or directly without one. */
export async function fetchPage (url: string, proxy?: string, headers: Record<string, string> = {}): Promise<Page> {
  const target = new URL(url)
  const via = proxy === undefined ? target : new URL(proxy)
  const path = proxy === undefined ? target.pathname + target.search : url
  const began = performance.now()
  return await new Promise((resolve, reject) => {
    const outgoing = request({
      host: via.hostname.replace(/^\[|\]$/g, ''), port: via.port, path, agent: false, headers: { host: target.host, ...headers }
    }, response => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        resolve(
          { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks), took: performance.now() - began }
        )
      })
    })
    outgoing.on('error', reject).end()
  })
}

/** A temporary folder that goes with the test. */
export function temporaryFolder (t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'minwww-test-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export async function freePort (): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}

/** The folder of a real documentation tree from Debian, or undefined. */
export function documentationTree (): string | undefined {
  return ['/usr/share/doc/python3.11/html', '/usr/share/doc/python3.12/html', '/usr/share/doc/python3.13/html'].find(existsSync)
}

/** Starts Debian's nginx as an HTTPD for `folder` on a free loopback port. */
export async function startNginx (t: Test, folder: string): Promise<string> {
  const run = temporaryFolder(t)
  const port = await freePort()
  const config = join(run, 'nginx.conf')
  writeFileSync(config, [
    'daemon off; worker_processes 1;', `pid ${run}/nginx.pid;`, `error_log ${run}/error.log;`, 'events { worker_connections 256; }',
    'http {', 'include /etc/nginx/mime.types; gzip off; disable_symlinks off;', `access_log ${run}/access.log;`,
    ...['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(name => `${name}_temp_path ${run}/${name};`),
    `server { listen 127.0.0.1:${port}; root ${folder}; }`, '}'
  ].join('\n'))
  const child = spawnBound(
    '/usr/sbin/nginx', ['-c', config, '-p', run, '-e', join(run, 'error.log')], { stdio: 'ignore', deathSignal: 'TERM' }
  )
  const ended = new Promise(resolve => child.once('exit', resolve))
  t.teardown(async () => { child.kill('SIGTERM'); await ended })
  const origin = `http://127.0.0.1:${port}`
  await untilReachable(origin)
  return origin
}

/** Tries until something answers at `origin`; each refused connection is over at once, so this needs no pause. */
async function untilReachable (origin: string): Promise<void> {
  const deadline = performance.now() + 10_000
  for (;;) {
    try {
      await fetchPage(`${origin}/`)
      return
    } catch (error) {
      if (performance.now() > deadline) throw error
      await new Promise(resolve => setImmediate(resolve))
    }
  }
}

/** Says why a test cannot run here, or false. With MINWWW_REQUIRE_ALL nothing may be missing. */
export function missing (...files: string[]): string | false {
  const absent = files.filter(file => !existsSync(file))
  if (absent.length === 0) return false
  if (process.env.MINWWW_REQUIRE_ALL === '1') throw new Error(`needed here: ${absent.join(', ')}`)
  return `skipped: ${absent.join(', ')} is not installed (scripts/install-debian-packages.sh installs it)`
}

/** The same for what needs a machine of its own (machine.sh): without root there is none. */
export function missingOnMachine (...files: string[]): string | false {
  const isRoot = process.getuid?.() === 0 || process.env.MINWWW_REQUIRE_ALL === '1'
  return isRoot ? missing('/usr/bin/unshare', ...files) : 'skipped: a machine of its own needs root'
}

/** Waits until it is so. @param most - ms @returns whether it was in time */
export async function until (isSo: () => boolean, most = SOON): Promise<boolean> {
  for (const deadline = performance.now() + most; !isSo();) {
    if (performance.now() > deadline) return false
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  return true
}

/** The JSON lines of a log. */
export function logLines (text: string): Array<Record<string, any>> {
  return text.split('\n').filter(line => line.startsWith('{')).map(line => JSON.parse(line) as Record<string, any>)
}
