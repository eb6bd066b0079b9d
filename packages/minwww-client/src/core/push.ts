import type { HttpResponse, PushedObject } from '@minwww/protocol'
import type { Exit } from './exit.ts'
import type { RetryBudget } from './retry-budget.ts'
import type { ExitSession } from './session.ts'
import type { Traffic } from './traffic.ts'
import type { Transfer } from './transfer.ts'

/** What was pushed, whole and read. */
export interface Arrived { readonly pushed: PushedObject, readonly response: HttpResponse, readonly bytes: number }

/** Whom a promise is for. */
export interface PushPromise {
  readonly url: string
  /** The page that needs it, and what named it: the page, or a style sheet. */
  readonly page: string
  readonly by: string
  readonly site: string
  /** It is where a page has moved to: a window may ask for it. */
  readonly isMoved: boolean
}

export type PushState = 'expected' | 'arriving' | 'here' | 'over'

/** Something that an exit sends without being asked: under an id of its own, in a session. */
export class Push {
  readonly exit: Exit
  readonly session: ExitSession
  readonly id: number
  readonly startedAt: number
  readonly traffic: Traffic
  readonly budget: RetryBudget
  state: PushState = 'expected'
  /** Undefined as long as no page has promised it. */
  promise: PushPromise | undefined
  transfer: Transfer | undefined
  arrived: Arrived | undefined
  /** Nothing more was heard of it by then: it is not waited for. */
  signBy: number
  /** When it is dropped, whether it was used or not. */
  endsAt: number
  /** As an owner of a transfer: it is neither a request nor a probe. */
  readonly handle = 0
  readonly isProbe = false
  readonly isPush = true

  constructor (o: Pick<Push, 'exit' | 'session' | 'id' | 'startedAt' | 'traffic' | 'budget' | 'signBy' | 'endsAt'>) {
    this.exit = o.exit
    this.session = o.session
    this.id = o.id
    this.startedAt = o.startedAt
    this.traffic = o.traffic
    this.budget = o.budget
    this.signBy = o.signBy
    this.endsAt = o.endsAt
  }

  get isOpen (): boolean {
    return this.state === 'expected' || this.state === 'arriving'
  }
}
