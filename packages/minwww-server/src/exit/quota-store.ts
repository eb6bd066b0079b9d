import { join } from 'node:path'
import type { Clock, Logger, Timer } from '@minwww/ground'
import { QuotaJournal } from '../limits/journal.ts'
import type { QuotaState } from '../limits/core/quota.ts'

/** ms between two writes: what a kill can cost. */
const INTERVAL = 250

/** Writes the quota to the state directory while the exit runs. */
export class QuotaStore {
  readonly #journal: QuotaJournal
  readonly #clock: Clock
  readonly #logger: Logger
  #state: (() => QuotaState) | undefined
  #timer: Timer | undefined
  #writtenAt: number
  #failed = false

  private constructor (journal: QuotaJournal, clock: Clock, logger: Logger) {
    this.#journal = journal
    this.#clock = clock
    this.#writtenAt = clock.now()
    this.#logger = logger
  }

  /** One file per Destination, so that several exits may share the directory. */
  static async open (
    directory: string, b32: string, clock: Clock, logger: Logger
  ): Promise<{ store: QuotaStore, saved: QuotaState | undefined }> {
    const failed: Array<(error: NodeJS.ErrnoException) => void> = []
    const { journal, saved } = await QuotaJournal.open(join(directory, `quota-${b32.slice(0, 16)}.jsonl`), error => failed[0]?.(error))
    const store = new QuotaStore(journal, clock, logger)
    failed.push(error => store.#fail(error))
    return { store, saved }
  }

  /** False while the disk does not take the accounting. */
  get healthy (): boolean { return !this.#failed }

  start (state: () => QuotaState): void {
    this.#state = state
  }

  /**
   * Something was counted. What was counted more than INTERVAL ago is on disk when this returns, however late timers
   * are on a loaded machine; a timer writes the rest.
   */
  counted (): void {
    if (this.#state === undefined) return
    if (this.#clock.now() - this.#writtenAt >= INTERVAL) return this.#write()
    this.#timer ??= this.#clock.setTimer(() => this.#write(), INTERVAL)
  }

  async close (): Promise<void> {
    this.#write()
    this.#state = undefined
    this.#timer?.clear()
    await this.#journal.close()
  }

  #write (): void {
    this.#timer?.clear()
    this.#timer = undefined
    this.#writtenAt = this.#clock.now()
    if (this.#state === undefined) return
    try {
      this.#journal.write(this.#state())
      this.#failed = false
    } catch (error) {
      this.#fail(error as NodeJS.ErrnoException)
    }
  }

  #fail (error: NodeJS.ErrnoException): void {
    if (!this.#failed) this.#logger.error({ code: error.code }, 'the quota cannot be written to the state directory')
    this.#failed = true
    if (this.#state !== undefined) this.#timer ??= this.#clock.setTimer(() => this.#write(), INTERVAL)
  }
}
