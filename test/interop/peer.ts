/** A foreign program as a peer: it prints one JSON object a line and reads commands, one a line. */
import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { spawnBound } from '../e2e/bound-process.ts'

/** How many events nobody asked for are kept; older ones are dropped. */
const MAX_EVENTS = 10_000
const MAX_ERROR_OUTPUT = 8192
const KILL_AFTER_MS = 3000

export interface PeerEvent { event: string, [field: string]: unknown }

export interface PeerMessage extends PeerEvent {
  event: 'message'
  protocol: number
  fromPort: number
  toPort: number
  length: number
  sha256: string
  /** Destination in base64 for protocol 17, else empty. */
  from: string
}

interface Waiter { event: string, resolve: (event: PeerEvent) => void, reject: (error: Error) => void, timer: NodeJS.Timeout }

export class Peer {
  readonly #child: ChildProcessWithoutNullStreams
  readonly #name: string
  readonly #afterwards: () => void
  #events: PeerEvent[] = []
  #waiters: Waiter[] = []
  #rest = ''
  #errors = ''

  /** Starts the program; `afterwards` runs once it has ended. */
  constructor (command: string, args: readonly string[], afterwards: () => void = () => {}) {
    this.#name = `${command} ${args.find(arg => !arg.startsWith('-') && !arg.includes('/')) ?? ''}`.trim()
    this.#afterwards = afterwards
    this.#child = spawnBound(command, args, { stdio: 'pipe' })
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => this.#read(text))
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-MAX_ERROR_OUTPUT)
    })
    this.#child.stdin.on('error', () => {})
    this.#child.on('error', error => this.#fail(error))
    this.#child.on('exit', code => this.#fail(new Error(`${this.#name} ended (${code}): ${this.#errors}`)))
    process.once('exit', this.#kill)
  }

  get pid (): number { return this.#child.pid as number }

  readonly #kill = (): void => { this.#child.kill('SIGKILL') }

  /** The next event of that name that has not been taken yet; rejects after `timeout` ms or when the program ends. */
  async next (event: string, timeout = 30_000): Promise<PeerEvent> {
    const index = this.#events.findIndex(candidate => candidate.event === event)
    if (index >= 0) return this.#events.splice(index, 1)[0] as PeerEvent
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) throw new Error(`${this.#name} has ended: ${this.#errors}`)
    return await new Promise<PeerEvent>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiters = this.#waiters.filter(waiter => waiter.timer !== timer)
        reject(
          new Error(`${this.#name}: no '${event}' within ${timeout} ms; saw ${JSON.stringify(this.#events.slice(-5))} ${this.#errors}`)
        )
      }, timeout)
      this.#waiters.push({ event, resolve, reject, timer })
    })
  }

  async nextMessage (timeout?: number): Promise<PeerMessage> {
    return await this.next('message', timeout) as PeerMessage
  }

  command (...words: Array<string | number>): void {
    this.#child.stdin.write(`${words.join(' ')}\n`)
  }

  async stop (): Promise<void> {
    process.off('exit', this.#kill)
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const timer = setTimeout(this.#kill, KILL_AFTER_MS)
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    await ended
    clearTimeout(timer)
  }

  #read (text: string): void {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) {
      if (!line.startsWith('{')) continue // a library that talks on standard output
      const event = JSON.parse(line) as PeerEvent
      const waiter = this.#waiters.find(candidate => candidate.event === event.event)
      if (waiter === undefined) {
        this.#events.push(event)
        if (this.#events.length > MAX_EVENTS) this.#events.shift()
      } else {
        this.#settle(waiter)
        waiter.resolve(event)
      }
    }
  }

  #settle (waiter: Waiter): void {
    clearTimeout(waiter.timer)
    this.#waiters = this.#waiters.filter(other => other !== waiter)
  }

  #fail (error: Error): void {
    for (const waiter of this.#waiters) {
      this.#settle(waiter)
      waiter.reject(error)
    }
    this.#afterwards()
  }
}
