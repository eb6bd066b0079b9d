import { setTimeout as delay } from 'node:timers/promises'
import { PROTOCOL } from '@minwww/i2cp'
import type { ReceivedMessage, Session } from '@minwww/i2cp'

/** Bytes at the front of a probe that tell it apart: 4 of the run, 4 of its number. */
const PROBE_HEADER = 8

export interface LossResult {
  sent: number
  lost: number
  /** Mean number of probes lost in a row; 0 if none was lost. */
  burstLength: number
}

/** Sends numbered probes from one session to another over the router, and tells which arrived and when. */
export class Prober {
  readonly #from: Session
  readonly #to: Session
  readonly #run: number
  readonly #arrived = new Map<number, number>()
  #next = 0

  constructor (from: Session, to: Session, run: number) {
    this.#from = from
    this.#to = to
    this.#run = run
    to.on('message', this.#receive)
  }

  readonly #receive = ({ payload }: ReceivedMessage): void => {
    if (payload.length < PROBE_HEADER || payload.readUInt32BE(0) !== this.#run) return
    this.#arrived.set(payload.readUInt32BE(4), performance.now())
  }

  close (): void {
    this.#to.off('message', this.#receive)
  }

  /** Sends one probe of `size` bytes (at least 8); returns its number. */
  send (size: number): number {
    const probe = Buffer.alloc(Math.max(size, PROBE_HEADER))
    probe.writeUInt32BE(this.#run, 0)
    probe.writeUInt32BE(this.#next, 4)
    this.#from.send(this.#to.destination, probe, { protocol: PROTOCOL.RAW })
    return this.#next++
  }

  /** One-way time of one probe of `size` bytes, ms, or undefined if it is not there after `patience` ms. */
  async measure (size: number, patience: number): Promise<number | undefined> {
    const began = performance.now()
    const number = this.send(size)
    while (performance.now() - began < patience) {
      const arrived = this.#arrived.get(number)
      if (arrived !== undefined) return arrived - began
      await delay(5)
    }
    return undefined
  }

  /** Sends `count` probes of one tunnel message each, `interval` ms apart, waits `patience` ms for the last. */
  async loss (count: number, interval: number, patience: number): Promise<LossResult> {
    const numbers: number[] = []
    for (let i = 0; i < count; i++) {
      numbers.push(this.send(ONE_TUNNEL_MESSAGE))
      await delay(interval)
    }
    const deadline = performance.now() + patience
    while (performance.now() < deadline && numbers.some(number => !this.#arrived.has(number))) await delay(20)
    return summarise(numbers.map(number => this.#arrived.has(number)))
  }
}

/** Payload that fills one tunnel message on every known router, bytes. */
const ONE_TUNNEL_MESSAGE = 800

/** Loss and burst length of a row of probes (true: arrived). */
export function summarise (arrived: readonly boolean[]): LossResult {
  const lost = arrived.filter(ok => !ok).length
  const bursts = arrived.filter((ok, index) => !ok && (index === 0 || arrived[index - 1] === true)).length
  return { sent: arrived.length, lost, burstLength: bursts === 0 ? 0 : lost / bursts }
}
