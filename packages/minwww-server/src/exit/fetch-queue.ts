import PQueue from 'p-queue'
import type { Slot } from '../fetch/connection-slots.ts'
import type { Clock, Timer } from '@minwww/ground'
import { FairQueue, type FairQueueLimits, type JobOptions } from './fair-queue.ts'

export interface FetchQueueLimits extends FairQueueLimits {
  /** Jobs that run at once. */
  concurrency: number
}

/** ms after which a job that still waits for its site makes room for another one: slow sites are what the slots count. */
const PATIENCE = 2_000

export interface FetchJob {
  /** Unique among jobs that wait. */
  id: string
  client: string
  /** A connection's; the job starts when it is free, and gives it back. */
  slot?: Slot
  /** ms on the clock. */
  deadline: number
  run: () => Promise<void>
  onShed: () => void
}

/** p-queue with the order of FairQueue: bounded in total and per client, the oldest deadline shed first. */
export class FetchQueue {
  readonly limits: Readonly<FetchQueueLimits>
  readonly #fair: FairQueue
  readonly #queue: PQueue<FairQueue, JobOptions>
  readonly #clock: Clock
  #running = 0
  #shed = 0

  constructor (limits: FetchQueueLimits, clock: Clock) {
    const fair = new FairQueue(limits, clock.now)
    this.#clock = clock
    this.limits = limits
    this.#fair = fair
    // PQueue makes its queue by `new queueClass()`; a constructor that returns an object yields that object.
    const queueClass = function () { return fair } as unknown as new () => FairQueue
    this.#queue = new PQueue({ concurrency: limits.concurrency, queueClass })
  }

  get running (): number { return this.#running }
  get waiting (): number { return this.#fair.waiting }
  /** Jobs that were dropped because the queue was full or their deadline had passed. */
  get shed (): number { return this.#shed }

  add (job: FetchJob): void {
    const onShed = () => {
      this.#shed++
      job.onShed()
    }
    this.#queue.add(async () => await this.#run(job), { id: job.id, client: job.client, deadline: job.deadline, slot: job.slot, onShed })
      .catch(() => {}) // a job reports its own failure
  }

  /** A connection was given back: whoever waited for it may start. */
  slotFreed (): void {
    // PQueue looks at its queue when it starts.
    this.#queue.pause()
    this.#queue.start()
  }

  /** Takes a waiting job out, true if there was one; one that runs is its owner's to stop. */
  cancel (id: string): boolean {
    return this.#fair.remove(id)
  }

  async #run (job: FetchJob): Promise<void> {
    this.#running++
    let timer: Timer | undefined
    try {
      const slow = new Promise<void>(resolve => { timer = this.#clock.setTimer(resolve, PATIENCE) })
      await Promise.race([job.run(), slow])
    } finally {
      timer?.clear()
      this.#running--
      this.#fair.release(job.client)
    }
  }
}
