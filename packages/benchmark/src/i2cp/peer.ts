import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Line } from './our-peer.ts'

const START_TIMEOUT = 60_000
/** Longest silence of a peer that works, ms. */
const WORK_TIMEOUT = 120_000
const MAX_ERRORS = 4_096

/** A program that holds one I2CP session and sends or counts messages as it is told; see our-peer.ts for its commands. */
export class Peer {
  readonly #child: ChildProcess
  readonly #lines: Line[] = []
  #errors = ''
  #wake: () => void = () => {}
  #ended = false
  destination = ''

  private constructor (program: string, args: readonly string[]) {
    this.#child = spawn(program, args, { stdio: 'pipe' })
    createInterface({ input: this.#child.stdout! }).on('line', text => {
      if (!text.startsWith('{')) return // a library that talks on standard output
      this.#lines.push(JSON.parse(text) as Line)
      this.#wake()
    })
    this.#child.stderr!.on('data', (chunk: Buffer) => { this.#errors = (this.#errors + chunk.toString()).slice(-MAX_ERRORS) })
    this.#child.stdin!.on('error', () => {})
    const end = (): void => { this.#ended = true; this.#wake() }
    this.#child.once('error', end).once('exit', end)
  }

  static async start (program: string, args: readonly string[]): Promise<Peer> {
    const peer = new Peer(program, args)
    try {
      peer.destination = (await peer.#next('ready', START_TIMEOUT)).destination ?? ''
      return peer
    } catch (error) {
      await peer.close()
      throw error
    }
  }

  /** Starts counting; resolves when it does, to a promise of the CPU that it took, ms. */
  async receive (from: Peer, count: number, step: number): Promise<{ done: Promise<number> }> {
    this.#child.stdin!.write(`receive ${from.destination} ${count} ${step} 0\n`)
    await this.#next('listening', START_TIMEOUT)
    const done = this.#done()
    done.catch(() => {}) // whoever waits for the sender first may never come to this
    return { done }
  }

  /** Resolves to the CPU that it took, ms. */
  async send (to: Peer, count: number, size: number, window: number): Promise<number> {
    this.#child.stdin!.write(`send ${to.destination} ${count} ${size} ${window}\n`)
    await this.#next('listening', START_TIMEOUT)
    return await this.#done()
  }

  async close (): Promise<void> {
    if (this.#ended) return
    const ended = new Promise(resolve => this.#child.once('exit', resolve))
    this.#child.kill('SIGKILL')
    await ended
  }

  async #done (): Promise<number> {
    return (await this.#next('done', WORK_TIMEOUT)).cpu ?? 0
  }

  async #next (event: Line['event'], timeout: number): Promise<Line> {
    const timer = setTimeout(() => { this.#errors += ` no '${event}' within ${timeout} ms`; this.#ended = true; this.#wake() }, timeout)
    try {
      while (this.#lines.length === 0) {
        if (this.#ended) throw new Error(`a peer ended or was silent: ${this.#errors}`)
        await new Promise<void>(resolve => { this.#wake = resolve })
      }
    } finally {
      clearTimeout(timer)
    }
    const line = this.#lines.shift()
    if (line?.event !== event) throw new Error(`a peer said '${line?.event ?? ''}' instead of '${event}'`)
    return line
  }
}
