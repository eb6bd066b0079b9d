import { MAX_HEAD } from '@minwww/protocol'
import type { Promised } from '@minwww/protocol'
import type { Assembly } from './assembly.ts'
import type { ClientContext } from './context.ts'
import { Delivery, restOf } from './delivery.ts'
import { isResumable } from './response.ts'
import type { ClientRequest } from './request.ts'
import type { Transfer } from './transfer.ts'

/** An answer whose rest is nearer than this is not handed on in parts, ms. */
const NEAR = 100

/** Answers whose head was read, so that it is read once. */
const decided = new WeakMap<Assembly, boolean>()

/** What handing on needs. */
export interface HandingOn {
  readonly context: ClientContext
  readonly promised: (now: number, transfer: Transfer, request: ClientRequest, promises: readonly Promised[], status: number) => void
}

/** A page that takes a while is no redirect. */
const OK = 200

/**
 * Hands on what is here of an answer that is not whole.
 * @param left - ms that the rest is expected to take: a whole answer that is near is worth more than a part
 */
export function handOn (now: number, { context, promised }: HandingOn, request: ClientRequest, transfer: Transfer, left: number): void {
  const { assembly, exit } = transfer
  if (!request.mayArrive || assembly === undefined) return
  if (request.delivery === undefined && (left <= NEAR || !mayBegin(context, assembly))) return
  request.delivery ??= new Delivery(transfer)
  const bytes = request.delivery.transfer === transfer ? request.delivery.take(assembly) : undefined
  if (bytes === undefined) return
  // Before the browser sees what refers to them.
  const promises = request.plainGet?.isPage === true ? request.delivery.takePromises() : undefined
  if (promises !== undefined) promised(now, transfer, request, promises, OK)
  if (promises !== undefined) request.delivery.promised = promises.length
  const { promised: count } = request.delivery
  const trace = { ...request.trace(now), ...(count > 0 && { promised: count }) }
  const rest = assembly.part === 'beginning' ? { rest: restOf(transfer) } : {}
  context.emit({ type: 'part', handle: request.handle, bytes, exit: exit.id, trace, ...rest })
}

/** What was handed on cannot come from another exit, nor from another fetch, unless it can be resumed. */
function mayBegin ({ config }: ClientContext, assembly: Assembly): boolean {
  if (config.handOn === 'any') return true
  let resumable = decided.get(assembly)
  if (resumable === undefined) {
    const front = assembly.front(0)
    resumable = isResumable(front) ?? (front.length > MAX_HEAD ? false : undefined)
    if (resumable !== undefined) decided.set(assembly, resumable)
  }
  return resumable === true
}
