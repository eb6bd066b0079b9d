import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from '@minwww/ground'
import { isLeftover, writeAtomically } from '@minwww/ground/node'
import { LRUCache } from 'lru-cache'
import { overheadOf, type Entry, type PolicyFactory } from './entry.ts'
import type { Variants } from './memory.ts'
import type { Fields } from '../http/fields.ts'

const MAGIC = Buffer.from('MWC1')
const HASH = 32 // bytes of SHA-256
const HEAD = MAGIC.length + HASH + 4
/** Largest description of the variants of one URL, bytes. */
const MAX_META = 1_048_576
/** Writes that may wait; a URL that comes when they are full is not kept on disk. */
export const MAX_WAITING = 64
/** What a file takes at least, bytes: a block of most file systems. It bounds the number of files too. */
const BLOCK = 4_096

interface StoredEntry {
  status: number
  reason: string
  fields: Fields
  length: number
  policy: object
  strict: boolean
  staleIfError?: number
}

/**
 * One file per URL, named by its hash: magic, SHA-256 of the rest, length of the description, description (JSON), bodies.
 * A file is written under another name, flushed and renamed, so that after a kill it is the old one or the new one; what
 * does not match its checksum is deleted. Bounded in bytes, least recently used first.
 */
export class DiskStore {
  readonly #directory: string
  readonly #files: LRUCache<string, number>
  readonly #waiting = new Map<string, Variants | 'delete'>()
  readonly #logger: Logger | undefined
  #work: Promise<void> | undefined

  private constructor (directory: string, maxBytes: number, logger: Logger | undefined) {
    this.#directory = directory
    this.#logger = logger
    this.#files = new LRUCache({
      maxSize: maxBytes,
      sizeCalculation: size => Math.max(BLOCK, size),
      dispose: (_size, name, reason) => { if (reason === 'evict') rm(this.#path(name), { force: true }).catch(() => {}) }
    })
  }

  /** Makes the directory if need be and takes stock of it; leftovers of a kill are removed. */
  static async open (directory: string, maxBytes: number, logger?: Logger): Promise<DiskStore> {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    const store = new DiskStore(directory, maxBytes, logger)
    const found: Array<{ name: string, size: number, used: number }> = []
    for (const name of await readdir(directory)) {
      if (/^[0-9a-f]{64}\./.test(name) && isLeftover(name)) await rm(join(directory, name), { force: true })
      if (!/^[0-9a-f]{64}$/.test(name)) continue
      const info = await stat(join(directory, name)).catch(() => undefined)
      if (info !== undefined) found.push({ name, size: info.size, used: info.mtimeMs })
    }
    for (const { name, size } of found.sort((a, b) => a.used - b.used)) store.#files.set(name, size)
    return store
  }

  get bytes (): number { return this.#files.calculatedSize }
  get maxBytes (): number { return this.#files.maxSize }
  /** Writes and deletions to be done. */
  get waiting (): number { return this.#waiting.size }
  get count (): number { return this.#files.size }

  /** undefined for a URL that is not there; a damaged file is deleted. */
  async read (url: string, policies: PolicyFactory): Promise<Variants | undefined> {
    const name = nameOf(url)
    const waiting = this.#waiting.get(url)
    if (waiting !== undefined) return waiting === 'delete' ? undefined : waiting
    if (this.#files.get(name) === undefined) return undefined
    try {
      return decode(await readFile(this.#path(name)), url, policies)
    } catch (error) {
      this.#logger?.warn({ file: name, err: error }, 'cache file dropped')
      this.#files.delete(name)
      await rm(this.#path(name), { force: true })
      return undefined
    }
  }

  write (url: string, variants: Variants): void { this.#enqueue(url, variants) }
  delete (url: string): void { this.#enqueue(url, 'delete') }

  async clear (): Promise<void> {
    this.#waiting.clear()
    await this.#work
    for (const name of [...this.#files.keys()]) {
      this.#files.delete(name)
      await rm(this.#path(name), { force: true })
    }
  }

  /** Resolves when everything is on disk. */
  async flush (): Promise<void> {
    while (this.#work !== undefined) await this.#work
  }

  #enqueue (url: string, what: Variants | 'delete'): void {
    // A deletion must not be lost: the stale page would come back after a restart. Where there is nothing it is none.
    const isKnown = this.#waiting.has(url) || (what === 'delete' && this.#files.has(nameOf(url)))
    if (!isKnown && (what === 'delete' || this.#waiting.size >= MAX_WAITING)) return
    this.#waiting.set(url, what)
    this.#work ??= this.#drain().finally(() => { this.#work = undefined })
  }

  async #drain (): Promise<void> {
    for (let next = this.#waiting.entries().next(); next.done !== true; next = this.#waiting.entries().next()) {
      const [url, what] = next.value
      try {
        if (what === 'delete') await this.#remove(nameOf(url))
        else await this.#write(nameOf(url), url, what)
      } catch (error) {
        this.#logger?.warn({ err: error }, 'cache file not written')
      }
      if (this.#waiting.get(url) === what) this.#waiting.delete(url)
    }
  }

  async #remove (name: string): Promise<void> {
    this.#files.delete(name)
    await rm(this.#path(name), { force: true })
  }

  async #write (name: string, url: string, variants: Variants): Promise<void> {
    const bytes = encode(url, variants)
    await writeAtomically(this.#path(name), bytes)
    this.#files.set(name, bytes.length)
  }

  #path (name: string): string { return join(this.#directory, name) }
}

const nameOf = (url: string): string => createHash('sha256').update(url).digest('hex')

function encode (url: string, variants: Variants): Buffer {
  const entries = variants.map(({ status, reason, fields, body, policy, strict, staleIfError }): StoredEntry => ({
    status,
    reason,
    fields,
    length: body.length,
    policy: policy.toObject(),
    strict,
    ...(staleIfError === undefined ? {} : { staleIfError })
  }))
  const meta = Buffer.from(JSON.stringify({ url, entries }))
  const length = Buffer.alloc(4)
  length.writeUInt32BE(meta.length)
  const rest = Buffer.concat([length, meta, ...variants.map(entry => entry.body)])
  return Buffer.concat([MAGIC, createHash('sha256').update(rest).digest(), rest])
}

function decode (bytes: Buffer, url: string, policies: PolicyFactory): Variants {
  const rest = bytes.subarray(MAGIC.length + HASH)
  const isWhole = bytes.length >= HEAD && bytes.subarray(0, MAGIC.length).equals(MAGIC) &&
    createHash('sha256').update(rest).digest().equals(bytes.subarray(MAGIC.length, MAGIC.length + HASH))
  if (!isWhole) throw new Error('checksum')
  const metaLength = rest.readUInt32BE(0)
  if (metaLength > MAX_META) throw new Error('description too long')
  const meta = JSON.parse(rest.toString('utf8', 4, 4 + metaLength)) as { url: string, entries: StoredEntry[] }
  if (meta.url !== url) throw new Error('another URL')
  let at = 4 + metaLength
  return meta.entries.map(({ length, policy, staleIfError, ...stored }): Entry => {
    const body = Buffer.from(rest.subarray(at, at += length))
    return { ...stored, staleIfError, body, policy: policies.revive(policy), overhead: overheadOf(policy) }
  })
}
