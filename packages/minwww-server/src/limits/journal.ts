import { mkdir, open, readFile, rename, type FileHandle } from 'node:fs/promises'
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
 */
export class QuotaJournal {
  readonly #file: string
  #handle: FileHandle
  #size: number
  #last = ''

  private constructor (file: string, handle: FileHandle, size: number) {
    this.#file = file
    this.#handle = handle
    this.#size = size
  }

  /**
   * Opens or makes the file.
   *
   * @throws ServerError MINWWW_EXIT_BAD_STATE if the file has content but no line that can be read: a quota is never
   *   reset by damage, the operator decides.
   */
  static async open (file: string): Promise<{ journal: QuotaJournal, saved: QuotaState | undefined }> {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return ''
      throw error
    })
    const saved = lastState(text.slice(-MAX_READ))
    if (saved === undefined && text.trim() !== '') {
      throw new ServerError('MINWWW_EXIT_BAD_STATE', `${file} holds no quota that can be read: restore it, or remove it to begin at zero`)
    }
    const journal = new QuotaJournal(file, await open(file, 'a', 0o600), 0)
    if (saved !== undefined) await journal.#replace(line(saved))
    return { journal, saved }
  }

  /** Writes the state if it has changed; resolves when it is with the disk. */
  async write (state: QuotaState): Promise<void> {
    const text = line(state)
    if (text === this.#last) return
    if (this.#size + text.length > MAX_JOURNAL) return await this.#replace(text)
    await this.#handle.appendFile(text)
    await this.#handle.datasync()
    this.#size += text.length
    this.#last = text
  }

  async close (): Promise<void> {
    await this.#handle.close()
  }

  async #replace (text: string): Promise<void> {
    const temporary = `${this.#file}.new`
    const handle = await open(temporary, 'w', 0o600)
    await handle.appendFile(text)
    await handle.datasync()
    await rename(temporary, this.#file)
    await this.#handle.close()
    this.#handle = handle
    this.#size = text.length
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
