import { PUSH_IDS } from '@minwww/protocol'
import type { ServerConfig } from './config.ts'
import type { Execution } from './execution.ts'
import { RequestTable } from './request-table.ts'
import type { ServedRequest } from './served-request.ts'

/** What is remembered of requests, and of what was promised: by ids of our own, which never touch the window of a session. */
export class Memory {
  readonly requests: RequestTable
  readonly pushes: RequestTable

  constructor (config: ServerConfig) {
    this.requests = new RequestTable(config)
    this.pushes = new RequestTable({
      ...config,
      cachePerSession: config.pushCachePerSession,
      cacheTotal: config.pushCacheTotal,
      maxRequestsPerSession: config.maxPushesPerSession
    })
  }

  of (message: { readonly id: number }): RequestTable {
    return message.id >= PUSH_IDS ? this.pushes : this.requests
  }

  /** Requests that one execution answers, as far as they are remembered, oldest first. */
  answered (execution: Execution): ServedRequest[] {
    return execution.askers
      .flatMap(({ session, id }) => this.requests.find(session, id) ?? [])
      .filter(request => request.execution === execution)
  }

  /** Bytes of all remembered answers. */
  get held (): number {
    return this.requests.held + this.pushes.held
  }

  /** Undefined when nothing is remembered. */
  nextTimeout (): number | undefined {
    const next = Math.min(this.requests.nextTimeout() ?? Infinity, this.pushes.nextTimeout() ?? Infinity)
    return next === Infinity ? undefined : next
  }

  handleTimeout (now: number): void {
    this.requests.handleTimeout(now)
    this.pushes.handleTimeout(now)
  }
}
