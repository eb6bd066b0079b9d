import { createHash } from 'node:crypto'
import { mkdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from '@minwww/ground'
import { FileSaver } from '@minwww/ground/node'
import { MAX_LIST } from './core/list.ts'

/** A list as it came last. */
export interface StoredList {
  /** Destination of its site. */
  readonly owner: string
  /** Epoch ms. */
  readonly at: number
  readonly text: string
}

/** What the user has decided, and what was drawn. Lines are descriptors. */
export interface StoredChoice {
  /** Secret by which sites get their exits. */
  readonly salt: string
  /** `until`: epoch ms at which the place is drawn anew. */
  readonly chosen: ReadonlyArray<{ line: string, until: number }>
  readonly pinned: readonly string[]
  readonly banned: readonly string[]
}

const CHOICE = 'exit-choice.json'
/** Largest file that is read, bytes: a list with its quotes, and six, 64 and 1,024 entries of a choice. */
const MAX_FILE = 2 * MAX_LIST

/** The lists and the choice in the state directory; without one nothing is kept. What cannot be read or written is logged, and no more. */
export class ListStore {
  readonly #directory: string | undefined
  readonly #logger: Logger | undefined
  readonly #savers = new Map<string, FileSaver>()
  #made: Promise<unknown> | undefined
  /** Everything that was to be saved until now. */
  #last: Promise<unknown> = Promise.resolve()

  constructor (directory: string | undefined, logger: Logger | undefined) {
    this.#directory = directory
    this.#logger = logger
  }

  async readList (url: string): Promise<StoredList | undefined> {
    const stored = await this.#read(nameOf(url)) as Partial<StoredList> | undefined
    const { owner, at, text } = stored ?? {}
    return typeof owner === 'string' && typeof at === 'number' && typeof text === 'string' ? { owner, at, text } : undefined
  }

  async saveList (url: string, list: StoredList): Promise<void> { await this.#follow(this.#save(nameOf(url), list)) }

  async readChoice (): Promise<StoredChoice | undefined> {
    const stored = await this.#read(CHOICE) as Partial<StoredChoice> | undefined
    if (stored === undefined || typeof stored.salt !== 'string') return undefined
    return { salt: stored.salt, chosen: placesOf(stored.chosen), pinned: linesOf(stored.pinned), banned: linesOf(stored.banned) }
  }

  async saveChoice (choice: StoredChoice): Promise<void> { await this.#follow(this.#save(CHOICE, choice)) }

  /** Resolves when everything is written. */
  async flush (): Promise<void> { await this.#last }

  async #follow (saved: Promise<void>): Promise<void> {
    this.#last = Promise.all([this.#last, saved])
    await saved
  }

  async #read (name: string): Promise<unknown> {
    if (this.#directory === undefined) return undefined
    const path = join(this.#directory, name)
    try {
      if ((await stat(path)).size > MAX_FILE) throw new RangeError(`larger than ${MAX_FILE} bytes`)
      const value = JSON.parse(await readFile(path, 'utf8')) as unknown
      return typeof value === 'object' && value !== null ? value : undefined
    } catch (error) {
      if ((error as { code?: string }).code !== 'ENOENT') {
        this.#logger?.warn({ path, err: error }, 'what was kept of the lists was not read')
      }
      return undefined
    }
  }

  async #save (name: string, value: object): Promise<void> {
    if (this.#directory === undefined) return
    const saver = this.#savers.get(name) ?? new FileSaver(join(this.#directory, name))
    this.#savers.set(name, saver)
    try {
      // Once for all: what is saved later must not overtake what was saved before.
      this.#made ??= mkdir(this.#directory, { recursive: true, mode: 0o700 })
      await this.#made
      await saver.save(() => JSON.stringify(value))
    } catch (error) {
      this.#logger?.warn({ err: error }, 'the lists were not kept')
    }
  }
}

const linesOf = (value: unknown): string[] => Array.isArray(value) ? value.filter((line): line is string => typeof line === 'string') : []

const placesOf = (value: unknown): Array<{ line: string, until: number }> => Array.isArray(value)
  ? value.filter((one): one is { line: string, until: number } => typeof one?.line === 'string' && typeof one.until === 'number')
  : []

const nameOf = (url: string): string => `exit-list-${createHash('sha256').update(url).digest('hex').slice(0, 16)}.json`
