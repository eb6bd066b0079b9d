import { closeSync, fdatasync, fdatasyncSync, openSync, renameSync, writeSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { ServerError } from '../errors.ts'
import { readQuotaState, type QuotaState } from './core/quota.ts'

/** Bytes of journal after which it is begun anew with its last line. */
const MAX_JOURNAL = 65_536
/** Bytes read at start; only the last lines matter. */
const MAX_READ = 1 << 20

/**
 * The quota on disk: one line of JSON per change, the last whole line counts. A kill in the middle of a line costs that
 * line, never the ones before. The file is replaced by rename, so there is always one.
 *
 * Lines are written synchronously: some 100 bytes into the system's cache, which outlives the process, take less time
 * than a turn of the event loop, and a loaded machine cannot put the write off. The disk follows when it can.
 */
export class QuotaJournal {
  readonly #file: string
  readonly #onError: (error: NodeJS.ErrnoException) => void
  #descriptor: number
  #size: number
  #last = ''
  #syncing: Promise<void> | undefined
  #synced = true
  #torn = false

  private constructor (file: string, descriptor: number, onError: (error: NodeJS.ErrnoException) => void) {
    this.#file = file
    this.#descriptor = descriptor
    this.#size = 0
    this.#onError = onError
  }

  /**
   * Opens or makes the file. `onError` is told of a disk that does not take what was written.
   *
   * @throws ServerError MINWWW_EXIT_BAD_STATE if the file has content but no line that can be read: a quota is never
   *   reset by damage, the operator decides.
   */
  static async open (
    file: string, onError: (error: NodeJS.ErrnoException) => void = () => {}
  ): Promise<{ journal: QuotaJournal, saved: QuotaState | undefined }> {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return ''
      throw error
    })
    const saved = lastState(text.slice(-MAX_READ))
    if (saved === undefined && text.trim() !== '') {
      throw new ServerError('MINWWW_EXIT_BAD_STATE', `${file} holds no quota that can be read: restore it, or remove it to begin at zero`)
    }
    const journal = new QuotaJournal(file, openSync(file, 'a', 0o600), onError)
    if (saved !== undefined) journal.#replace(line(saved))
    return { journal, saved }
  }

  /** Writes the state if it has changed: when this returns, no kill of the process can lose it. @throws the system's error */
  write (state: QuotaState): void {
    const text = line(state)
    if (text === this.#last) return
    if (this.#size + text.length > MAX_JOURNAL) return this.#replace(text)
    // What a full disk has torn off is a line of its own, which does not count.
    const whole = this.#torn ? `\n${text}` : text
    const written = writeSync(this.#descriptor, whole)
    this.#size += written
    this.#torn = written < whole.length
    if (this.#torn) throw Object.assign(new Error('the disk is full'), { code: 'ENOSPC' })
    this.#last = text
    this.#synced = false
    this.#syncing ??= this.#sync()
  }

  /** Resolves when everything is with the disk. */
  async close (): Promise<void> {
    await this.#syncing
    closeSync(this.#descriptor)
  }

  /** Against the loss of power; one at a time, and again for what was written meanwhile. */
  async #sync (): Promise<void> {
    while (!this.#synced) {
      this.#synced = true
      await new Promise<void>(resolve => fdatasync(this.#descriptor, error => {
        if (error !== null && error.code !== 'EBADF') this.#onError(error)
        resolve()
      }))
    }
    this.#syncing = undefined
  }

  #replace (text: string): void {
    const temporary = `${this.#file}.new`
    const descriptor = openSync(temporary, 'w', 0o600)
    try {
      if (writeSync(descriptor, text) < text.length) throw Object.assign(new Error('the disk is full'), { code: 'ENOSPC' })
      fdatasyncSync(descriptor)
      renameSync(temporary, this.#file)
    } catch (error) {
      closeSync(descriptor)
      throw error
    }
    closeSync(this.#descriptor)
    this.#descriptor = descriptor
    this.#size = text.length
    this.#torn = false
    this.#last = text
  }
}

function line (state: QuotaState): string {
  return `${JSON.stringify(state)}\n`
}

function lastState (text: string): QuotaState | undefined {
  const lines = text.split('\n')
  lines.pop() // what follows the last newline is not whole
  for (let index = lines.length - 1; index >= 0; index--) {
    const state = parse(lines[index] ?? '')
    if (state !== undefined) return state
  }
  return undefined
}

function parse (text: string): QuotaState | undefined {
  try {
    return readQuotaState(JSON.parse(text))
  } catch {
    return undefined
  }
}
