import { DESCRIPTOR_PATH, DESCRIPTOR_URL } from '@minwww/protocol'
import { descriptorAnswer } from '../exit/descriptor.ts'
import { valuesOf } from '../fetch/fields.ts'
import type { IncomingRequest } from '../http1/request.ts'
import { responseHead, write } from '../http1/write.ts'
import { StreamExchange } from './context.ts'
import { AnswerSender, type StreamRequest } from './requests.ts'

/** Asked for in absolute form, or as a path of the exit's own address. */
export function asksForDescriptor ({ method, target, fields }: IncomingRequest, own: string): boolean {
  if (method !== 'GET' && method !== 'HEAD') return false
  if (target === DESCRIPTOR_URL) return true
  const host = (valuesOf(fields, 'host')[0] ?? '').toLowerCase().replace(/:80$/, '')
  return (target === DESCRIPTOR_PATH && host === own) || target.toLowerCase() === `http://${own}${DESCRIPTOR_PATH}`
}

/** Says what the exit is. True if the stream is good for another request; never rejects. */
export async function answerDescriptor (asked: StreamRequest): Promise<boolean> {
  const { context, visitor, incoming, body: sent, stream } = asked
  const exchange = new StreamExchange(context, visitor)
  try {
    exchange.admit(incoming.method)
    const { headers, body } = descriptorAnswer(context.descriptor())
    const staysOpen = incoming.keepAlive && sent.isComplete && !context.isDraining()
    if (!staysOpen) headers.push(['Connection', 'close'])
    const head = responseHead(200, 'OK', headers)
    await exchange.passOn(body.length)
    await write(stream, incoming.method === 'HEAD' ? head : Buffer.concat([head, body]), context.clock, context.timeouts.stall)
    exchange.finish()
    return staysOpen
  } catch (cause) {
    new AnswerSender(asked, exchange).refuse(exchange.fail(cause))
    return false
  }
}
