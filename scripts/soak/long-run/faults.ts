import { setTimeout as sleep } from 'node:timers/promises'
import { seededNumbers } from '../measure.ts'
import type { Fault } from './world.ts'

/** How long something stays broken, ms: most often short, seldom long. */
const MIN_DOWN = 500
const MAX_DOWN = 30_000
/** What could not be started again is tried again after this, ms. */
const RETRY = 5_000

/**
 * A fault with its times, epoch ms. `ended` is when what was broken stood again: not yet when it also worked. `usable`, of the proxy's
 * router: when another client had tunnels over it, which is the soonest that a page could come.
 */
export interface FaultRecord { name: string, began: number, ended: number, usable?: number }

interface FaultOptions {
  faults: Fault[],
  every: number,
  seed: number,
  signal: AbortSignal,
  onFault: (
    record: FaultRecord
  ) => void,
  onTrouble: (text: string) => void
}

/** One fault after the other, in an order and with durations that the seed decides, until the signal. */
export async function breakThings ({ faults, every, seed, signal, onFault, onTrouble }: FaultOptions): Promise<void> {
  if (every === 0) return
  const random = seededNumbers(seed * 1_000 + 999)
  const rest = async (ms: number): Promise<void> => { await sleep(ms, undefined, { signal }).catch(() => {}) }
  const pending: Array<Promise<void>> = []
  while (!signal.aborted) {
    await rest(every * (0.5 + random()))
    const fault = choose(faults, random())
    const down = Math.min(every / 2, MIN_DOWN * (MAX_DOWN / MIN_DOWN) ** random())
    if (signal.aborted) break
    const began = Date.now()
    await fault.begin()
    await rest(down)
    await mend(fault)
    pending.push(tell(fault, { name: fault.name, began, ended: Date.now() }))
  }
  await Promise.all(pending)

  /** The next fault does not wait for this. */
  async function tell ({ usable }: Fault, record: FaultRecord): Promise<void> {
    const isUsable = await usable?.(signal).then(() => true, () => false)
    onFault(isUsable === true ? { ...record, usable: Date.now() } : record)
  }

  async function mend (fault: Fault): Promise<void> {
    for (;;) {
      try {
        return await fault.end()
      } catch (error) {
        onTrouble(`${fault.name}: ${(error as Error).message}`)
        if (signal.aborted) return
        await rest(RETRY)
      }
    }
  }
}

function choose (faults: Fault[], at: number): Fault {
  let left = at * faults.reduce((sum, { weight }) => sum + weight, 0)
  return faults.find(({ weight }) => (left -= weight) < 0) ?? faults.at(-1)!
}
