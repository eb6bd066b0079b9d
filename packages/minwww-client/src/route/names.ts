import { readFile, stat } from 'node:fs/promises'
import { FileSaver } from '@minwww/ground/node'
import { LRUCache } from 'lru-cache'
import type { Destination, Logger } from '@minwww/i2cp'
import { Destination as DestinationClass } from '@minwww/i2cp/codec'

/** Entries of a hosts file. */
export const MAX_HOSTS = 100_000
const MAX_FILE = 80_000_000 // bytes
/** A found name is asked again after this, ms; a name not found after a minute. */
const FOUND_TTL = 600_000
const MISSING_TTL = 60_000
export const MAX_KNOWN = 2_000
/** A router that does not answer must not hold up a page for long, ms: the exits may know the name. */
const NAME_TIMEOUT = 5_000
/** Behind an address is a LeaseSet, which the router looks for in the network, and nobody else knows it, ms. */
const ADDRESS_TIMEOUT = 20_000
/** Codes of a session that was lost. */
const ENDED: ReadonlySet<string> =
  new Set(['I2CP_DISCONNECTED', 'I2CP_SESSION_CLOSED', 'I2CP_SESSION_DESTROYED', 'I2CP_ABORTED', 'I2CP_BUSY'])

export interface NameLookup { lookup (name: string, options?: { timeout?: number }): Promise<Destination> }

/** Names: the private hosts file first, then the router's naming service. */
export class NameService {
  readonly #file: string | undefined
  readonly #saver: FileSaver | undefined
  readonly #logger: Logger | undefined
  readonly #hosts = new Map<string, Destination>() // at most MAX_HOSTS
  readonly #known = new LRUCache<string, { destination: Destination | undefined }>({ max: MAX_KNOWN })
  readonly #pending = new Map<string, Promise<Destination | undefined>>() // one per name that is being looked up
  #loadedAt = -1

  constructor (file: string | undefined, logger?: Logger) {
    this.#file = file
    this.#saver = file === undefined ? undefined : new FileSaver(file)
    this.#logger = logger
  }

  /** Reads the hosts file if it changed. A line that is not name=Destination is skipped and logged. */
  async load (): Promise<void> {
    if (this.#file === undefined) return
    const info = await stat(this.#file).catch(() => undefined)
    if (info === undefined || info.mtimeMs === this.#loadedAt) return
    if (info.size > MAX_FILE) throw new RangeError(`${this.#file} is larger than ${MAX_FILE} bytes`)
    this.#loadedAt = info.mtimeMs
    const text = await readFile(this.#file, 'utf8')
    this.#hosts.clear()
    for (const line of text.split(/\r?\n/)) this.#readLine(line)
  }

  /** The Destination that the hosts file has for a name. */
  ownEntry (name: string): Destination | undefined { return this.#hosts.get(name) }

  entries (): Array<[string, Destination]> { return [...this.#hosts] }
  /** How many names the hosts file has, and how many were looked up. */
  get known (): { hosts: number, names: number } { return { hosts: this.#hosts.size, names: this.#known.size } }

  /** undefined where nobody knows the name. `via` is the session of the user who asks. */
  async resolve (name: string, via: NameLookup): Promise<Destination | undefined> {
    const own = this.#hosts.get(name)
    if (own !== undefined) return own
    const known = this.#known.get(name)
    if (known !== undefined) return known.destination
    const pending = this.#pending.get(name)
    if (pending !== undefined) return await pending
    const asked = this.#ask(name, via)
    this.#pending.set(name, asked)
    try {
      return await asked
    } finally {
      this.#pending.delete(name)
    }
  }

  /** What was not found is asked again: the router may have been lost, or new in the network. */
  forgetMissing (): void {
    for (const [name, { destination }] of [...this.#known.entries()]) if (destination === undefined) this.#known.delete(name)
  }

  /** Adds a name that the user has confirmed, and writes the file as a whole: a reader never sees half of it. */
  async add (name: string, destination: Destination): Promise<void> {
    if (this.#hosts.size >= MAX_HOSTS) throw new RangeError(`a hosts file has at most ${MAX_HOSTS} names`)
    this.#hosts.set(name, destination)
    this.#known.delete(name)
    await this.#save()
  }

  async #ask (name: string, via: NameLookup): Promise<Destination | undefined> {
    let destination: Destination | undefined
    try {
      destination = await via.lookup(name, { timeout: name.endsWith('.b32.i2p') ? ADDRESS_TIMEOUT : NAME_TIMEOUT })
    } catch (error) {
      // That a session ended says nothing about the name.
      if (ENDED.has((error as { code?: string }).code ?? '')) return undefined
    }
    this.#known.set(name, { destination }, { ttl: destination === undefined ? MISSING_TTL : FOUND_TTL })
    return destination
  }

  #readLine (line: string): void {
    const text = line.replace(/[#].*$/, '').trim()
    const [, name, base64] = /^([^=\s]+)=([A-Za-z0-9~=-]+)$/.exec(text) ?? []
    if (name === undefined || base64 === undefined) {
      if (text !== '') this.#logger?.warn({ line: text.slice(0, 60) }, 'hosts file: line skipped')
      return
    }
    try {
      if (this.#hosts.size < MAX_HOSTS) this.#hosts.set(name.toLowerCase(), DestinationClass.fromBase64(base64))
    } catch (error) {
      this.#logger?.warn({ name, err: error }, 'hosts file: Destination skipped')
    }
  }

  async #save (): Promise<void> {
    if (this.#file === undefined) return
    await this.#saver?.save(() => [...this.#hosts].map(([name, destination]) => `${name}=${destination.base64}\n`).join(''))
    this.#loadedAt = (await stat(this.#file)).mtimeMs
  }
}
