import { randomBytes } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

const OWNER_ONLY = 0o600

/** Beside a file while it is written; a kill leaves it there. */
const temporaryOf = (path: string): string => `${path}.${randomBytes(6).toString('hex')}.tmp`

/** What a kill has left of a file that was being written. */
export const isLeftover = (name: string): boolean => /\.[0-9a-f]{12}\.tmp$/.test(name)

/**
 * Writes a file that only its owner can read, unless `mode` says otherwise: beside its place, synced, then renamed, so that a crash
 * leaves the old file or the new one, never half of it. Rejects with the system's error; then the old file is as it was.
 */
export async function writeAtomically (path: string, data: string | Uint8Array, mode = OWNER_ONLY): Promise<void> {
  const temporary = temporaryOf(path)
  try {
    const file = await open(temporary, 'wx', mode)
    try {
      await file.writeFile(data)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
    await syncFolder(dirname(path))
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

/** Makes the rename last. */
async function syncFolder (path: string): Promise<void> {
  // Windows cannot open a folder; the rename is durable enough there.
  const folder = await open(path, 'r').catch(() => undefined)
  try {
    await folder?.sync()
  } catch { /* not every file system can */ } finally {
    await folder?.close()
  }
}

/** Saves a file again and again, one after the other: the last call wins, and one that fails concerns no other. */
export class FileSaver {
  readonly #path: string
  #last: Promise<void> = Promise.resolve()

  constructor (path: string) {
    this.#path = path
  }

  /** Calls `produce` when its turn has come. Rejects with its error or the system's. */
  async save (produce: () => string | Uint8Array): Promise<void> {
    const turn = this.#last.then(async () => await writeAtomically(this.#path, produce()))
    this.#last = turn.catch(() => {})
    await turn
  }
}
