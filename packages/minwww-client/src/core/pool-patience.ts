import type { Exit } from './exit.ts'
import type { ClientRequest } from './request.ts'

/** A request that is to be given up early has been tried for so long by then, ms. */
const REAL_TRY = 5_000
/** Silence after which a page is given up while it waits: its reader sees that, and it asks again. A dead path may still recover, ms. */
const PAGE_PATIENCE = 10_000
/** Silence after which any new request is given up early. Routers leave a dead path within half a minute, ms. */
const PATIENCE = 30_000
/** What waits in vain for so long has the exits asked whether they are there, again and again, ms. */
const DOUBT = 3_000
/** A page that is looked at in vain is looked at again, ms. */
const LOOK_AGAIN = 1_000

/** Decides when a request is not worth waiting for, because every exit of the pool has been silent for too long. */
export class PoolPatience {
  readonly #exits: ReadonlyMap<string, Exit>

  constructor (exits: ReadonlyMap<string, Exit>) {
    this.#exits = exits
  }

  /** For how long nothing has come of anything, from any exit; 0 where one may be there, ms. */
  silence (now: number): number {
    let since = Number.NEGATIVE_INFINITY
    for (const exit of this.#exits.values()) {
      // One that is busy has said so: it is there.
      const isHere = exit.member.isBusy(now) || exit.member.isDraining(now)
      since = Math.max(since, isHere ? Infinity : exit.silentSince(now) ?? Infinity)
    }
    return this.#exits.size === 0 ? 0 : Math.max(0, now - since)
  }

  /** No exit is worth a long wait. */
  isOver (now: number): boolean {
    return this.silence(now) >= PATIENCE
  }

  /** A request begins. What began before the pool was known to be silent keeps its time: its path may only be dead for a while. */
  begin (now: number, request: ClientRequest): void {
    if (request.purpose.kind !== 'pool') return
    // What stays with one exit says nothing of the others.
    if (!request.idempotent && !this.isOver(now)) return
    request.isQuick = request.isPage || this.isOver(now)
    request.looksAt = now + (request.isQuick ? REAL_TRY : DOUBT)
  }

  /** @returns true for a request that is to be given up */
  look (now: number, request: ClientRequest): boolean {
    if (!request.isQuick) {
      request.looksAt = now + DOUBT
      return false
    }
    // Where it waits for room, others are being tried in its place.
    const isQueued = request.waiting.kind === 'room'
    const triedFrom = request.transfers[0]?.startedAt ?? now
    const isTried = isQueued || now - triedFrom >= REAL_TRY
    if (isTried && this.silence(now) >= (request.isPage ? PAGE_PATIENCE : PATIENCE)) return true
    request.looksAt = isTried ? this.#nextLook(now, request) : triedFrom + REAL_TRY
    return false
  }

  /** An exit that was heard gives everybody his full time. */
  #nextLook (now: number, request: ClientRequest): number {
    return request.isPage ? now + LOOK_AGAIN : Infinity
  }
}
