import { mkdir, stat, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { FileSaver } from '@minwww/ground/node'
import type { Logger } from '@minwww/i2cp'

const FILE = 'exits.json'
/** A larger file is not read, bytes: 256 exits and 1,024 sites need some 300 KB. */
const MAX_FILE = 1_048_576
/** What is known is written so often, ms, so that a kill loses little. */
const PERIOD = 300_000

export interface PoolMemoryOptions {
  /** It is created. One proxy per directory. */
  directory: string
  logger?: Logger | undefined
}

/** What the core remembers of its exits, kept in a file over a restart. A broken file is as good as none. */
export class PoolMemory {
  readonly #directory: string
  readonly #logger: Logger | undefined
  #timer: NodeJS.Timeout | undefined
  #written = ''
  readonly #saver: FileSaver

  constructor ({ directory, logger }: PoolMemoryOptions) {
    this.#directory = directory
    this.#saver = new FileSaver(join(directory, FILE))
    this.#logger = logger
  }

  /**
   * @returns what was saved, as the core's `restore` takes it; undefined where there is nothing of use. @throws the file system's error for
   * a directory that cannot be made
   */
  async load (): Promise<unknown> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 })
    const path = join(this.#directory, FILE)
    try {
      if ((await stat(path)).size > MAX_FILE) throw new RangeError(`larger than ${MAX_FILE} bytes`)
      return JSON.parse(await readFile(path, 'utf8')) as unknown
    } catch (error) {
      if ((error as { code?: string }).code !== 'ENOENT') this.#logger?.warn({ path, err: error }, 'memory of the exits not read')
      return undefined
    }
  }

  /** Saves what `produce` gives, from time to time. */
  follow (produce: () => unknown): void {
    this.#timer = setInterval(() => { this.save(produce()).catch(() => {}) }, PERIOD)
    this.#timer.unref()
  }

  /** Writes aside, flushes and renames: a kill leaves the old file or the new one. A failure is logged. */
  async save (state: unknown): Promise<void> {
    const text = JSON.stringify(state) as string | undefined
    if (text === undefined || text === this.#written) return
    this.#written = text
    try {
      await this.#saver.save(() => text)
    } catch (error) {
      this.#written = ''
      this.#logger?.warn({ err: error }, 'memory of the exits not saved')
    }
  }

  stop (): void { clearInterval(this.#timer) }
}
