/** What the programs that print the figures of docs/reference/routers.md share: a closed network, sites, and the end of all of it. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { startNetwork, type Suite, type TestNetwork, type TestNetworkOptions } from '../testnet/network.ts'
import { createWebServer } from '../testnet/web.mjs'

const ROUTERS = 8
const READY_TIMEOUT_MS = 180_000
/** For routers that look for each other; Java's may need minutes. */
const PATIENCE_MS = 300_000
const BETWEEN_MS = 3_000

/** What such a program takes of its command line. */
export interface PlaceOptions extends Omit<TestNetworkOptions, 'suite' | 'delay'> { suite?: string | undefined, delay: string }

export interface Place {
  readonly network: TestNetwork
  /** Ends what belongs to it with the program. */
  readonly owner: Test
  /** HOST:PORT of router k, from this process. */
  readonly routerAt: (k: number) => Promise<string>
  /** A web site of this process. */
  readonly site: () => Promise<{ origin: string, server: Server }>
}

/** Runs `work` in a network of its own, ends all that was started for it, and then the process, with `process.exitCode`. */
export async function inPlace ({ suite, delay, ...more }: PlaceOptions, work: (place: Place) => Promise<void>): Promise<never> {
  const ends: Array<() => unknown> = []
  try {
    const network = await startNetwork({
      hops: [1], delay: Number(delay), ...(suite !== undefined && { suite: suite as Suite }), readyTimeout: READY_TIMEOUT_MS, ...more
    })
    ends.push(async () => await network.stop())
    await work({
      network,
      owner: { teardown: (end: () => unknown) => { ends.push(end) } } as unknown as Test,
      routerAt: async k => {
        const { host, port } = await network.forward(k)
        return `${host}:${port}`
      },
      site: async () => {
        const server = createWebServer().listen(0, '127.0.0.1')
        await once(server, 'listening')
        ends.push(() => server.close())
        return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server }
      }
    })
  } finally {
    for (const end of ends.reverse()) await end()
  }
  process.exit()
}

/** What the first attempt that works gives. Throws what it failed with last. @param patience - ms */
export async function until<T> (attempt: () => Promise<T>, patience = PATIENCE_MS): Promise<T> {
  for (const deadline = performance.now() + patience; ;) {
    try {
      return await attempt()
    } catch (error) {
      if (performance.now() > deadline) throw error
      await sleep(BETWEEN_MS)
    }
  }
}

/** Flags of the command line for tunnels of so many hops and other options of I2CP. */
export function i2cpFlags (hops: string, ...options: string[]): string[] {
  return [`inbound.length=${hops}`, `outbound.length=${hops}`, ...options].flatMap(option => ['--i2cp-option', option])
}

/** How often each i2pd refused a new ratchet session, "Incoming sessions come too often" in its log: by router, where it did. */
export function tooOften (network: TestNetwork): Map<number, number> {
  const counts = Array.from({ length: ROUTERS }, (_, i) => {
    const log = readFileSync(join(network.directory, `r${i + 1}`, 'i2pd.log'), 'latin1')
    return [i + 1, log.split('come too often').length - 1] as const
  })
  return new Map(counts.filter(([, count]) => count > 0))
}

/** @returns rounded; Infinity where there is none */
export function percentile (all: readonly number[], share: number): number {
  const sorted = [...all].sort((a, b) => a - b)
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Infinity)
}
