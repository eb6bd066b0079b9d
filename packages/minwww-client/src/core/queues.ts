import type { ExitPool } from '../pool/pool.ts'
import type { Exit } from './exit.ts'
import type { ClientRequest } from './request.ts'
import { remove } from './remove.ts'

/** Which exit of the pool a request goes to, and where it goes instead of waiting for one that is slow or full. */
export class Queues {
  readonly #pool: ExitPool
  readonly #exits: ReadonlyMap<string, Exit>

  constructor (pool: ExitPool, exits: ReadonlyMap<string, Exit>) {
    this.#pool = pool
    this.#exits = exits
  }

  /** The best exit that has room, if its site is not tied to the best of all. */
  choose (now: number, request: ClientRequest): Exit | undefined {
    const exit = this.#best(now, request, request.tried)
    if (exit === undefined || isFree(exit) || this.#pool.keeps(request.site, exit.id)) return exit
    return this.#free(now, request) ?? exit
  }

  enqueue (request: ClientRequest, exit: Exit): void {
    request.waitsAt = exit
    exit.waiting.push(request)
  }

  /** The next request that need not wait any longer, because another exit than the one it waits for has room. */
  next (now: number): { request: ClientRequest, exit: Exit } | undefined {
    for (const from of this.#exits.values()) {
      for (const request of from.waiting) {
        if (request.onlyExit !== undefined || (this.#pool.keeps(request.site, from.id) && from.member.isUsable(now))) continue
        const exit = this.#free(now, request)
        if (exit === undefined) break
        remove(from.waiting, request)
        request.waitsAt = undefined
        return { request, exit }
      }
    }
    return undefined
  }

  #free (now: number, request: ClientRequest): Exit | undefined {
    const full = [...this.#exits.values()].filter(exit => !isFree(exit) || !exit.member.isUsable(now)).map(({ id }) => id)
    return full.length === this.#exits.size ? undefined : this.#best(now, request, new Set([...request.tried, ...full]))
  }

  #best (now: number, request: ClientRequest, exclude: ReadonlySet<string>): Exit | undefined {
    const id = this.#pool.choose(now, request.site, exclude)
    return id === undefined ? undefined : this.#exits.get(id)
  }
}

function isFree (exit: Exit): boolean {
  return exit.waiting.length === 0 && exit.hasRoom()
}
