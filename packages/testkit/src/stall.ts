import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import type { Clock, Timer } from '@minwww/ground'
import { systemClock } from '@minwww/ground/node'
import type { Test } from 'tap'

/** Holds the event loop up for so many real ms, as a suspended machine or a long computation does. */
export function stall (ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

interface Held { readonly at: number, readonly callback: () => void, timer?: Timer }

/** The real clock, but no timer expires before the first stall: however slow the machine, the stall comes first. */
export class StallingClock implements Clock {
  #passed = 0
  readonly #held = new Set<Held>()

  readonly now = (): number => systemClock.now() + this.#passed

  readonly setTimer = (callback: () => void, ms: number): Timer => {
    if (this.#passed > 0) return systemClock.setTimer(callback, ms)
    const held: Held = { at: this.now() + ms, callback }
    this.#held.add(held)
    return {
      clear: () => {
        this.#held.delete(held)
        held.timer?.clear()
      }
    }
  }

  /** Nothing runs for `ms`, in a moment of real time; timers that are due by then expire after it. */
  stall (ms: number): void {
    this.#passed += ms
    for (const held of this.#held) held.timer = systemClock.setTimer(held.callback, held.at - this.now())
    this.#held.clear()
    stall(10)
  }
}

/** Both ends of a TCP connection on this machine. */
export async function socketPair (t: Test): Promise<[Socket, Socket]> {
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const near = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [[far]] = await Promise.all([once(server, 'connection') as Promise<[Socket]>, once(near, 'connect')])
  t.teardown(() => {
    near.destroy()
    far.destroy()
    server.close()
  })
  return [near, far]
}
