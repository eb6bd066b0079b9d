import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const CLI = fileURLToPath(new URL('../../../packages/minwww/bin/minwww.js', import.meta.url))
const PROBE = new URL('probe.mjs', import.meta.url).href
/** Longest wait for a service to be ready: real routers build tunnels first, ms. */
const READY_TIMEOUT = 180_000
/** A service that is paused does not answer, ms. */
const PROBE_TIMEOUT = 5_000
/** From SIGTERM to SIGKILL, ms. */
const STOP_TIMEOUT = 5_000

/** What a process says of itself. */
export interface Inside { memory: NodeJS.MemoryUsage, resources: string[] }

/** A `minwww` process with a folder of its own, which can be killed and started again under the same arguments. */
export class Service {
  readonly name: string
  readonly folder: string
  readonly log: string
  readonly #args: string[]
  #child: ChildProcess | undefined
  #json: Record<string, string> = {}
  #isReady = false

  constructor (name: string, folder: string, args: string[]) {
    this.name = name
    this.folder = folder
    this.log = join(folder, 'log')
    this.#args = args
    mkdirSync(folder, { recursive: true })
  }

  /** The line that it printed when it was ready. */
  get json (): Record<string, string> { return this.#json }
  get pid (): number | undefined { return this.#child?.exitCode === null && this.#child.signalCode === null ? this.#child.pid : undefined }

  /** Starts it, and waits until it is ready. */
  async start (): Promise<void> {
    const log = openSync(this.log, 'a')
    const child = spawn(
      process.execPath, ['--expose-gc', '--import', PROBE, CLI, ...this.#args, '--json'], { stdio: ['ignore', 'pipe', log, 'ipc'] }
    )
    closeSync(log)
    this.#child = child
    this.#isReady = false
    child.on('error', () => {})
    let text = ''
    const line = new Promise<string>(resolve => {
      child.stdout!.on('data', (chunk: Buffer) => {
        text += chunk.toString()
        if (text.includes('\n')) resolve(text)
      })
    })
    const ended = once(child, 'exit')
      .then(([status]) => { throw new Error(`${this.name} ended with status ${String(status)}; see ${this.log}`) })
    const late = new AbortController()
    const patience = sleep(READY_TIMEOUT, undefined, { signal: late.signal }).then(() => { throw new Error(`${this.name} is not ready`) })
    patience.catch(() => {})
    ended.catch(() => {})
    try {
      this.#json = JSON.parse(await Promise.race([line, ended, patience])) as Record<string, string>
      this.#isReady = true
    } finally {
      late.abort()
    }
  }

  /** Sends a signal, and for those that end it waits for the end. */
  async kill (signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): Promise<void> {
    const child = this.#child
    if (child === undefined || this.pid === undefined) return
    const ended = once(child, 'exit')
    child.kill(signal)
    if (signal === 'SIGKILL') await ended
  }

  /** Ends it as an operator does. */
  async stop (): Promise<void> {
    const child = this.#child
    if (child === undefined || this.pid === undefined) return
    const ended = once(child, 'exit')
    child.kill('SIGCONT')
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT)
    await ended
    clearTimeout(timer)
  }

  /** What it holds after a collection of garbage; undefined if it is not ready or does not answer. */
  async look (): Promise<Inside | undefined> {
    const child = this.#child
    if (child === undefined || this.pid === undefined || !this.#isReady || !child.connected) return undefined
    const answer = new Promise<Inside | undefined>(resolve => {
      const timer = setTimeout(done, PROBE_TIMEOUT, undefined)
      child.once('message', done).once('exit', done)
      function done (inside: unknown): void {
        clearTimeout(timer)
        child!.off('message', done).off('exit', done)
        resolve(typeof inside === 'object' ? inside as Inside : undefined)
      }
    })
    child.send('look', () => {})
    return await answer
  }
}
