import { join } from 'node:path'
import { QuotaJournal } from '../limits/journal.ts'
import type { QuotaState } from '../limits/core/quota.ts'
import type { Clock, Timer } from './clock.ts'
import type { ExitLogger } from './ports.ts'

/** ms between two writes: what a kill can cost. */
const INTERVAL = 500

/** Writes the quota to the state directory while the exit runs. */
export class QuotaKeeper {
  readonly #journal: QuotaJournal
  readonly #clock: Clock
  readonly #logger: ExitLogger
  #timer: Timer | undefined
  #writing: Promise<void> = Promise.resolve()
  #failed = false

  private constructor (journal: QuotaJournal, clock: Clock, logger: ExitLogger) {
    this.#journal = journal
    this.#clock = clock
    this.#logger = logger
  }

  /** One file per Destination, so that several exits may share the directory. */
  static async open (directory: string, b32: string, clock: Clock, logger: ExitLogger): Promise<{ keeper: QuotaKeeper, saved: QuotaState | undefined }> {
    const { journal, saved } = await QuotaJournal.open(join(directory, `quota-${b32.slice(0, 16)}.jsonl`))
    return { keeper: new QuotaKeeper(journal, clock, logger), saved }
  }

  /** False while the disk does not take the accounting. */
  get healthy (): boolean { return !this.#failed }

  start (state: () => QuotaState): void {
    const write = () => {
      this.#writing = this.#write(state()).finally(() => {
        if (this.#timer !== undefined) this.#timer = this.#clock.setTimer(write, INTERVAL)
      })
    }
    this.#timer = this.#clock.setTimer(write, INTERVAL)
  }

  async close (state: QuotaState): Promise<void> {
    this.#timer?.clear()
    this.#timer = undefined
    await this.#writing
    await this.#write(state)
    await this.#journal.close()
  }

  async #write (state: QuotaState): Promise<void> {
    try {
      await this.#journal.write(state)
      this.#failed = false
    } catch (error) {
      if (!this.#failed) this.#logger.error({ code: (error as NodeJS.ErrnoException).code }, 'the quota cannot be written to the state directory')
      this.#failed = true
    }
  }
}
