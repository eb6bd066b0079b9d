import { NetworkModel } from '@minwww/local-router/network'
import type { NetworkOptions } from '@minwww/local-router/network'

export interface BurstOptions {
  /** Page, KB. */
  kb: number
  /** Tunnel messages that one symbol fits. */
  m: number
  /** Requests at one time. */
  concurrent?: number
  /** Bytes/s at which each reply is sent; 0 = back to back. */
  pace?: number
  /** Bytes of the request's container. */
  request?: number
  rounds?: number
}

export interface BurstResult {
  /** Symbols of a reply. */
  k: number
  /** Share of the replies of which every symbol arrived. */
  complete: number
  /** Share of the symbols that did not arrive. */
  lost: number
  /** ms from the request to the first symbol, median. */
  first: number
  /** ms from the request to the last symbol, of complete replies. */
  p50: number
  p95: number
  /** Share of the complete replies whose symbols came out of order. */
  reordered: number
}

interface Symbol { client: number, index: number, round: number, request: boolean }
interface Reply { received: number, first: number, last: number, highest: number, reordered: boolean }

/** Pause between rounds, ms: a dropped link has been made anew. */
const PAUSE = 5_000
const HEADER = 28
const MAX_STEPS = 1_000_000

/** The measurement of the study on real routers: requests, each answered at once with k symbols of m tunnel messages. */
export function measureBursts (network: Partial<NetworkOptions>, o: BurstOptions): BurstResult {
  const { kb, m, concurrent = 1, pace = 0, request = 623, rounds = 60 } = o
  const model = new NetworkModel<Symbol>(network)
  const capacity = 996 * m - 174
  const k = Math.ceil(kb * 1024 / (capacity - HEADER))
  const replies: Reply[] = []
  for (let round = 0; round < rounds; round++) {
    replies.push(...playRound(model, round, { concurrent, pace, request, k, size: capacity + 23 }))
  }
  const complete = replies.filter(reply => reply.received === k)
  const done = complete.map(reply => reply.last).sort((a, b) => a - b)
  const first = replies.filter(reply => reply.received > 0).map(reply => reply.first).sort((a, b) => a - b)
  const at = (values: number[], p: number): number => values[Math.floor(p * values.length)] ?? Infinity
  return {
    k,
    complete: complete.length / replies.length,
    lost: 1 - replies.reduce((sum, reply) => sum + reply.received, 0) / (replies.length * k),
    first: at(first, 0.5),
    p50: at(done, 0.5),
    p95: at(done, 0.95),
    reordered: complete.filter(reply => reply.reordered).length / Math.max(1, complete.length)
  }
}

function playRound (
  model: NetworkModel<Symbol>, round: number, o: { concurrent: number, pace: number, request: number, k: number, size: number }
): Reply[] {
  const start = round * PAUSE
  const replies = Array.from({ length: o.concurrent }, () => ({ received: 0, first: 0, last: 0, highest: -1, reordered: false }))
  for (let client = 0; client < o.concurrent; client++) {
    model.send(start, { from: 'client', to: 'server', size: o.request, data: { client, index: 0, round, request: true } })
  }
  let outbox: Array<{ at: number, symbol: Symbol }> = []
  for (let step = 0; step < MAX_STEPS; step++) {
    const network = model.nextTimeout() ?? Infinity
    const next = outbox[0]
    if (next !== undefined && next.at <= network) {
      outbox.shift()
      model.send(next.at, { from: 'server', to: 'client', size: o.size, data: next.symbol })
    } else if (network === Infinity) {
      return replies
    } else {
      for (const { at, data } of model.poll(network)) {
        if (data.request) outbox = outbox.concat(symbols(at, data.client, round, o)).sort((a, b) => a.at - b.at)
        else if (data.round === round) receive(replies[data.client] as Reply, at - start, data.index)
      }
    }
  }
  throw new Error('livelock')
}

function symbols (
  now: number, client: number, round: number, { k, pace, size }: { k: number, pace: number, size: number }
): Array<{ at: number, symbol: Symbol }> {
  return Array.from({ length: k }, (_, index) => {
    return { at: now + (pace === 0 ? 0 : index * size * 1_000 / pace), symbol: { client, index, round, request: false } }
  })
}

function receive (reply: Reply, at: number, index: number): void {
  if (reply.received++ === 0) reply.first = at
  reply.last = at
  if (index < reply.highest) reply.reordered = true
  reply.highest = Math.max(reply.highest, index)
}
