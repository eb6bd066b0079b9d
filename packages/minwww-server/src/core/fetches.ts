import { TokenBucket } from '@minwww/protocol'
import type { ServerConfig } from './config.ts'
import type { ServedRequest } from './served-request.ts'
import type { Session } from './session.ts'

/** What was given out to be fetched, by handle, and how much more of it there may be. */
export class Fetches {
  readonly #config: ServerConfig
  /** In the order of their deadlines. Bounded by maxFetches. */
  readonly #underWay = new Map<number, ServedRequest>()
  /** How many of them each session has, pushes aside; only sessions with some. */
  readonly #counts = new Map<Session, number>()
  readonly #unvalidated: TokenBucket
  #nextHandle = 1

  constructor (now: number, config: ServerConfig) {
    this.#config = config
    this.#unvalidated = new TokenBucket(config.unvalidatedFetches, config.unvalidatedBurst, now)
  }

  get size (): number {
    return this.#underWay.size
  }

  takeHandle (): number {
    return this.#nextHandle++
  }

  /** Takes the place of one more fetch of a session. False where there is none. */
  takeRoom (now: number, session: Session): boolean {
    const { maxFetches, maxFetchesPerSession } = this.#config
    if (this.#underWay.size >= maxFetches || this.#countOf(session) >= maxFetchesPerSession) return false
    return session.peer.isValidated || this.#unvalidated.take(now, 1)
  }

  add (handle: number, request: ServedRequest): void {
    this.#underWay.set(handle, request)
    if (!request.isPush) this.#counts.set(request.session, this.#countOf(request.session) + 1)
  }

  get (handle: number): ServedRequest | undefined {
    return this.#underWay.get(handle)
  }

  /** Another request is answered by the same fetch. */
  replace (handle: number, request: ServedRequest): void {
    const before = this.#underWay.get(handle)
    if (before !== undefined) this.#release(before)
    this.add(handle, request)
  }

  /** Takes it off the list; undefined when nobody waits for it. */
  take (handle: number): ServedRequest | undefined {
    const request = this.#underWay.get(handle)
    if (request === undefined) return undefined
    this.#underWay.delete(handle)
    this.#release(request)
    return request
  }

  /** Whose deadline is the first. */
  first (): { handle: number, deadline: number } | undefined {
    const state = this.#underWay.values().next().value?.state
    return state?.name === 'fetching' ? state : undefined
  }

  #release ({ session, isPush }: ServedRequest): void {
    if (isPush) return
    const left = this.#countOf(session) - 1
    if (left === 0) this.#counts.delete(session)
    else this.#counts.set(session, left)
  }

  #countOf (session: Session): number {
    return this.#counts.get(session) ?? 0
  }
}
