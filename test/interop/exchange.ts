/** Messages across a network that may lose them: sent again until they arrive, with a bound. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Destination, ReceivedMessage, Session } from '@minwww/i2cp'

export interface Outgoing { protocol: number, fromPort: number, toPort: number, payload: Buffer }
export interface Delivered { message: ReceivedMessage, attempts: number, time: number }

export interface ExchangeOptions {
  /** How long one attempt waits, ms. */
  wait?: number
  attempts?: number
  /** Called before each attempt. */
  before?: () => void
}

/** Collects what a session receives, so that a late copy of an earlier message is not taken for the next one. */
export class Inbox {
  readonly messages: ReceivedMessage[] = []
  #wake: () => void = () => {}

  constructor (session: Session) {
    session.on('message', message => {
      this.messages.push(message)
      this.#wake()
    })
  }

  /** The first message that fits, removed; undefined after `wait` ms. */
  async take (fits: (message: ReceivedMessage) => boolean, wait: number): Promise<ReceivedMessage | undefined> {
    const deadline = performance.now() + wait
    for (;;) {
      const index = this.messages.findIndex(fits)
      if (index >= 0) return this.messages.splice(index, 1)[0]
      const left = deadline - performance.now()
      if (left <= 0) return undefined
      const woken = new Promise<void>(resolve => { this.#wake = resolve })
      const timer = new AbortController()
      await Promise.race([woken, sleep(left, undefined, { signal: timer.signal }).catch(() => {})])
      timer.abort()
    }
  }
}

/** Sends until the payload arrives; throws after `attempts`. */
export async function exchange (
  from: Session, to: Destination, inbox: Inbox, outgoing: Outgoing, options: ExchangeOptions = {}
): Promise<Delivered> {
  const { wait = 5000, attempts = 6, before = () => {} } = options
  for (let attempt = 1; attempt <= attempts; attempt++) {
    before()
    const started = performance.now()
    from.send(to, outgoing.payload, outgoing)
    const message = await inbox.take(candidate => candidate.payload.equals(outgoing.payload), wait)
    if (message !== undefined) return { message, attempts: attempt, time: performance.now() - started }
  }
  throw new Error(`${outgoing.payload.length} bytes did not arrive in ${attempts} attempts of ${wait} ms`)
}
