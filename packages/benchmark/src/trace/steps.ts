import type { Conditions, Step, StepDiagram } from '../report/types.ts'
import type { TracedMessage } from './trace.ts'

export interface StepsInput {
  design: string
  label: string
  conditions: Conditions
  messages: readonly TracedMessage[]
  /** Keys of the client's Destinations; every other is the server's. */
  clientKeys: readonly string[]
  /** Epoch ms: the request, and the last byte of the page. */
  started: number
  finished: number
}

/**
 * The sequence of messages of one page, and how many traversals of the network its end waited for: from the message whose arrival
 * completed the page back to the one that made its sender send it, and so on to the request.
 */
export function stepsOf ({ messages, clientKeys, started, finished, ...facts }: StepsInput): StepDiagram {
  const keys = new Set(clientKeys)
  const own = messages.filter(({ from, to, sent }) => (keys.has(from) || keys.has(to)) && sent >= started)
  const isFromClient = ({ from }: TracedMessage): boolean => keys.has(from)
  const chain = criticalChain(own, isFromClient, finished)
  const steps = own.map((message): Step => ({
    from: isFromClient(message) ? 'client' : 'server',
    kind: message.kind,
    sent: ms(message.sent - started),
    ...(message.arrived !== undefined && { arrived: ms(message.arrived - started) }),
    size: message.size,
    tunnelMessages: message.tunnelMessages,
    acknowledgement: message.acknowledgement,
    critical: chain.includes(message)
  }))
  return {
    ...facts,
    traversals: chain.length,
    messages: own.length,
    acknowledgements: own.filter(({ acknowledgement }) => acknowledgement).length,
    tunnelMessages: own.reduce((sum, { tunnelMessages }) => sum + tunnelMessages, 0),
    total: ms(finished - started),
    steps
  }
}

/**
 * From the last message that brought the page back to the request; each is the latest that its successor's sender had received, copies
 * of a request that had arrived already left out.
 */
function criticalChain (
  messages: readonly TracedMessage[], isFromClient: (message: TracedMessage) => boolean, finished: number
): TracedMessage[] {
  const latest = (fromClient: boolean, until: number): TracedMessage | undefined => messages
    .filter(message => isFromClient(message) === fromClient && !message.copy && message.arrived !== undefined && message.arrived <= until)
    .reduce<TracedMessage | undefined>(
      (best, message) => best === undefined || message.arrived! > best.arrived! ? message : best, undefined
    )
  const chain: TracedMessage[] = []
  let fromClient = false
  let until = finished
  for (;;) {
    const message = latest(fromClient, until)
    if (message === undefined) return chain.reverse()
    chain.push(message)
    fromClient = !fromClient
    until = message.sent
  }
}

function ms (value: number): number {
  return Math.round(value * 100) / 100
}
