import type { Promised } from '@minwww/protocol'
import type { ClientContext } from './context.ts'
import { Delivery, restOf } from './delivery.ts'
import type { ClientRequest } from './request.ts'
import type { Transfer } from './transfer.ts'

/** A whole answer of which the end is nearer than this is not handed on in parts, ms; a beginning is a part in any case. */
const NEAR = 100

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
  // What was handed on cannot come from another exit, nor from another fetch, unless it can be resumed.
  const isNear = assembly.part === 'whole' && left <= NEAR
  const mayBegin = !isNear && (context.config.handOn === 'any' || assembly.isResumable)
  if (request.delivery === undefined && !mayBegin) return
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
