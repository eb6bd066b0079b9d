import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * What has been measured so far, a line each, so that an interrupted run goes on where it was. Its first line is what the run was
 * asked for; a file of another run is begun anew.
 */
export class Journal {
  readonly #file: string | undefined
  readonly #known = new Map<string, unknown>()

  constructor (folder: string | undefined, identity: Record<string, unknown>) {
    if (folder === undefined) return
    mkdirSync(folder, { recursive: true })
    this.#file = join(folder, 'samples.jsonl')
    const first = JSON.stringify(identity)
    const [head, ...lines] = existsSync(this.#file) ? readFileSync(this.#file, 'utf8').split('\n') : []
    if (head === first) this.#read(lines)
    else writeFileSync(this.#file, `${first}\n`)
  }

  get size (): number { return this.#known.size }

  /** The value of an earlier run, or the one that `make` gives now. */
  async remember<T> (key: string, make: () => Promise<T>): Promise<T> {
    if (this.#known.has(key)) return this.#known.get(key) as T
    const value = await make()
    this.#known.set(key, value)
    if (this.#file !== undefined) appendFileSync(this.#file, `${JSON.stringify({ key, value })}\n`)
    return value
  }

  #read (lines: readonly string[]): void {
    for (const line of lines) {
      try {
        const { key, value } = JSON.parse(line) as { key: string, value: unknown }
        this.#known.set(key, value)
      } catch {
        // The last line of a run that was killed; what it said is measured again.
      }
    }
  }
}
