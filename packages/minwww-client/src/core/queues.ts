import type { ExitPool } from '../pool/pool.ts'
import type { Exit } from './exit.ts'
import type { ClientRequest } from './request.ts'

const NOBODY: readonly ClientRequest[] = []

/** Which exit of the pool a request goes to, and where it goes instead of waiting for one that is slow or full. */
export class Queues {
  readonly #pool: ExitPool
  readonly #exits: ReadonlyMap<string, Exit>
  /** Requests that wait for room at an exit, oldest first. Bounded by the live requests of the client. */
  readonly #waiting = new Map<Exit, ClientRequest[]>()

  constructor (pool: ExitPool, exits: ReadonlyMap<string, Exit>) {
    this.#pool = pool
    this.#exits = exits
  }

  /** Requests that wait at an exit. */
  lengthAt (exit: Exit): number {
    return this.#waiting.get(exit)?.length ?? 0
  }

  /** It would take a request at once, and nobody was there before. */
  isFree (exit: Exit): boolean {
    return this.lengthAt(exit) === 0 && exit.hasRoom()
  }

  /** The best exit that has room, if its site is not tied to the best of all. */
  choose (now: number, request: ClientRequest): Exit | undefined {
    const exit = this.#best(now, request, request.tried)
    if (exit === undefined || this.isFree(exit) || this.#pool.keeps(request.site, exit.id)) return exit
    return this.#free(now, request) ?? exit
  }

  append (request: ClientRequest, exit: Exit): void {
    this.#waiting.set(exit, [...this.#waiting.get(exit) ?? NOBODY, request])
    request.waitFor({ kind: 'room', exit })
  }

  /** Before all others, until the exit has answered a probe. */
  prepend (request: ClientRequest, exit: Exit): void {
    this.#waiting.set(exit, [request, ...this.#waiting.get(exit) ?? NOBODY])
    request.waitFor({ kind: 'room', exit, isMeeting: true })
  }

  /** Takes a request out, if it waits. */
  remove (request: ClientRequest): void {
    if (request.waiting.kind !== 'room') return
    const { exit } = request.waiting
    const left = (this.#waiting.get(exit) ?? NOBODY).filter(other => other !== request)
    if (left.length > 0) this.#waiting.set(exit, left)
    else this.#waiting.delete(exit)
    request.goOn()
  }

  /** Takes out the first that waits at an exit. */
  shift (exit: Exit): ClientRequest | undefined {
    const first = this.#waiting.get(exit)?.[0]
    if (first !== undefined) this.remove(first)
    return first
  }

  /** Takes out all that wait at an exit. */
  clear (exit: Exit): readonly ClientRequest[] {
    const all = this.#waiting.get(exit) ?? NOBODY
    for (const request of all) this.remove(request)
    return all
  }

  /** Takes out the next request that need not wait any longer, because another exit than the one it waits for has room. */
  next (now: number): { request: ClientRequest, exit: Exit } | undefined {
    for (const from of this.#exits.values()) {
      for (const request of this.#waiting.get(from) ?? NOBODY) {
        const { waiting } = request
        const stays = this.#pool.keeps(request.site, from.id) || (waiting.kind === 'room' && waiting.isMeeting === true)
        if (request.onlyExit !== undefined || (stays && from.member.isUsable(now))) continue
        const exit = this.#free(now, request)
        if (exit === undefined) break
        this.remove(request)
        return { request, exit }
      }
    }
    return undefined
  }

  #free (now: number, request: ClientRequest): Exit | undefined {
    const full = [...this.#exits.values()].filter(exit => !this.isFree(exit) || !exit.member.isUsable(now)).map(({ id }) => id)
    return full.length === this.#exits.size ? undefined : this.#best(now, request, new Set([...request.tried, ...full]))
  }

  #best (now: number, request: ClientRequest, exclude: ReadonlySet<string>): Exit | undefined {
    const id = this.#pool.choose(now, request.site, exclude)
    return id === undefined ? undefined : this.#exits.get(id)
  }
}
