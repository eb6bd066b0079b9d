import { createHash } from 'node:crypto'
import { fetchVia } from '../fetch.ts'
import { interleave } from '../measure.ts'
import { DEADLINE } from '../worlds/minwww-design.ts'
import { measure } from './samples.ts'
import type { Scenario } from './scenario.ts'

const RUNS = 20
const QUICK_RUNS = 5

/**
 * Any proxies that the user already runs, and any addresses. The first fetch of each is told apart from the rest; the last proxy is
 * compared with those before it.
 */
export const url: Scenario = {
  name: 'url',
  missing: () => undefined,
  async run (context) {
    const { settings: { via = [], urls = [], runs = context.quick ? QUICK_RUNS : RUNS }, seed, signal, out, progress } = context
    Object.assign(out.options, { via, urls, runs, connection: 'a new one for each page' })
    out.own = via.at(-1) ?? out.own
    const bodies = new Map<string, Set<string>>()
    const tasks = Array.from({ length: runs }, (_, round) => round).flatMap(round => via.flatMap(proxy => urls.map(address => ({
      round,
      run: async () => {
        const conditions = { url: address, state: round === 0 ? 'first' : 'later' }
        await measure(context, { design: proxy, label: proxy }, conditions, round, async () => {
          const { body, time, firstByte, error } = await fetchVia({ via: addressOf(proxy), url: address, timeout: DEADLINE })
          if (body !== undefined) {
            bodies.set(address, (bodies.get(address) ?? new Set()).add(createHash('sha256').update(body).digest('hex')))
          }
          return { time, ...(firstByte !== undefined && { firstByte }), ...(error !== undefined && { error }) }
        })
      }
    }))))
    await interleave(tasks, { seed, signal, onDone: (done, total) => progress(`${done} of ${total} pages`) })
    for (const [address, hashes] of bodies) {
      if (hashes.size > 1) out.note(`${address} did not give the same bytes every time: compare with care.`)
    }
  }
}

export function addressOf (proxy: string): { host: string, port: number } {
  const { hostname, port } = new URL(proxy)
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port === '' ? 80 : port) }
}
