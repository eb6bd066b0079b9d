import type { Slot } from '../fetch/connection-slots.ts'
import type { Queue } from 'p-queue'

export type RunFunction = () => Promise<unknown>

export interface FairQueueLimits {
  /** Jobs that wait, in total. */
  maxQueued: number
  /** Jobs of one client that wait. */
  maxQueuedPerClient: number
  /** Jobs of one client that run. */
  maxRunningPerClient: number
}

export interface JobOptions {
  client: string
  /** ms on the clock; a job that has not started by then is shed. */
  deadline: number
  /** What the job needs besides its turn; taken when it starts. */
  slot: Pick<Slot, 'isFree' | 'take'> | undefined
  /** Called instead of the job, once. */
  onShed: () => void
  id: string
  priority: number
  signal: AbortSignal
  timeout: number
}

interface Job extends Pick<JobOptions, 'client' | 'deadline' | 'onShed' | 'id' | 'slot'> {
  run: RunFunction
}

/**
 * The order in which a PQueue starts its jobs: round robin over clients, first come first served within one, none above
 * its share of running jobs. When full, the client with the most waiting jobs loses the one whose deadline is oldest.
 */
export class FairQueue implements Queue<RunFunction, JobOptions> {
  readonly #limits: FairQueueLimits
  readonly #now: () => number
  /** Waiting jobs by client, in the order in which the clients are served. */
  readonly #waiting = new Map<string, Job[]>()
  readonly #running = new Map<string, number>()
  #total = 0

  constructor (limits: FairQueueLimits, now: () => number) {
    this.#limits = limits
    this.#now = now
  }

  /** Jobs that could start now; PQueue asks for it before it takes one. */
  get size (): number {
    let count = 0
    for (const [client, jobs] of this.#waiting) {
      if (this.#mayRun(client)) count += jobs.filter(isReady).length
    }
    return count
  }

  get waiting (): number {
    return this.#total
  }

  get clients (): number {
    return this.#waiting.size
  }

  enqueue (run: RunFunction, options: Partial<JobOptions> = {}): void {
    const { client = '', deadline = Infinity, onShed = () => {}, id = '', slot } = options
    const jobs = this.#waiting.get(client) ?? []
    if (jobs.length === 0) this.#waiting.set(client, jobs)
    jobs.push({ client, deadline, onShed, id, slot, run })
    this.#total++
    if (jobs.length > this.#limits.maxQueuedPerClient) this.#shedOldest(jobs)
    else if (this.#total > this.#limits.maxQueued) this.#shedOldest(this.#longest())
  }

  dequeue (): RunFunction {
    for (const [client, jobs] of this.#waiting) {
      if (!this.#mayRun(client)) continue
      const job = this.#firstReady(jobs)
      if (job === undefined) continue
      job.slot?.take()
      // To the end of the line: the next turn is another client's.
      this.#waiting.delete(client)
      if (jobs.length > 0) this.#waiting.set(client, jobs)
      this.#running.set(client, (this.#running.get(client) ?? 0) + 1)
      return job.run
    }
    // Everything that could run had expired. PQueue calls what it gets.
    return async () => {}
  }

  /** A job of that client has ended. To be called before the job's promise settles. */
  release (client: string): void {
    const left = (this.#running.get(client) ?? 1) - 1
    if (left === 0) this.#running.delete(client)
    else this.#running.set(client, left)
  }

  /** Takes a job out without calling anything, for a client that has gone. False if it does not wait here. */
  remove (id: string): boolean {
    for (const jobs of this.#waiting.values()) {
      const job = jobs.find(candidate => candidate.id === id)
      if (job === undefined) continue
      this.#drop(jobs, job)
      return true
    }
    return false
  }

  filter (): RunFunction[] {
    return [...this.#waiting.values()].flat().map(job => job.run)
  }

  setPriority (): void {}

  #mayRun (client: string): boolean {
    return (this.#running.get(client) ?? 0) < this.#limits.maxRunningPerClient
  }

  #firstReady (jobs: Job[]): Job | undefined {
    for (const job of [...jobs]) {
      const isAlive = job.deadline > this.#now()
      if (isAlive && !isReady(job)) continue
      this.#drop(jobs, job)
      if (isAlive) return job
      job.onShed()
    }
    return undefined
  }

  #longest (): Job[] {
    let longest: Job[] = []
    for (const jobs of this.#waiting.values()) {
      if (jobs.length > longest.length) longest = jobs
    }
    return longest
  }

  #shedOldest (jobs: Job[]): void {
    let oldest = jobs[0]
    for (const job of jobs) {
      if (oldest === undefined || job.deadline < oldest.deadline) oldest = job
    }
    if (oldest === undefined) return
    this.#drop(jobs, oldest)
    oldest.onShed()
  }

  #drop (jobs: Job[], job: Job): void {
    jobs.splice(jobs.indexOf(job), 1)
    this.#total--
    if (jobs.length === 0) this.#waiting.delete(job.client)
  }
}

function isReady ({ slot }: Job): boolean {
  return slot?.isFree() ?? true
}
