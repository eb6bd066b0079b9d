import type { NetworkOptions } from '@minwww/local-router/network'
import { percentile } from './statistics.ts'
import { TunnelPath } from './tunnel-path.ts'

const KB = 1024
/** A request may take so long, ms. */
const DEADLINE = 600_000
/** Streams of one measurement, and requests on each that are not measured: by then the stream knows its path. */
const STREAMS = 4
const WARM_UP = 20

export interface TunnelConditions {
  /** One-way, ms; +- 20 % of it is jitter. */
  latency: number
  /** Percent of tunnel messages lost. */
  loss: number
  /** KB of each response. */
  size: number
}

/** Times, ms. */
export interface TunnelTimes { p50: number, p90: number, p99: number, worst: number, tunnelMessages: number }

export interface TunnelResult {
  design: 'streaming' | 'streaming-parity'
  n: number
  /** Of a request on a stream that is open. */
  open: TunnelTimes
  /** Of a CONNECT and the first request, with what earlier streams have learned. */
  fresh: TunnelTimes
  /** Tunnel messages of parity of each response on an open stream, as a share of the others. */
  parityShare: number
  failed: number
}

/** Requests through tunnels as CONNECT makes them, with parity beneath the streams or without. The same seed gives the same figures. */
export function runTunnel (
  design: TunnelResult['design'], { latency, loss, size }: TunnelConditions, { runs, seed }: { runs: number, seed: number }
): TunnelResult {
  const network: Partial<NetworkOptions> = {
    latency, jitter: 0.2 * latency, loss: loss / 100, queue: 3_600_000, tunnelLifetime: 86_400_000
  }
  const path = new TunnelPath(seed, network, { hasParity: design === 'streaming-parity' })
  const pause = 4 * latency + 1_000
  let failed = 0
  const ask = (connection: ReturnType<TunnelPath['open']>): void => {
    if (!path.ask(connection, size * KB, DEADLINE)) failed += 1
  }
  const open = new Series(path)
  for (let stream = 0; stream < STREAMS; stream++) {
    const connection = path.open()
    for (let i = 0; i < WARM_UP; i++) {
      ask(connection)
      path.rest(pause)
    }
    for (let i = 0; i < runs / STREAMS; i++) open.measure(() => ask(connection), pause)
    path.close(connection)
    path.rest(pause)
  }
  const fresh = new Series(path)
  for (let i = 0; i < runs; i++) {
    fresh.measure(() => {
      const connection = path.open()
      ask(connection)
      path.close(connection)
    }, pause)
  }
  return { design, n: runs, open: open.result, fresh: fresh.result, parityShare: open.parityShare, failed }
}

/** Times and tunnel messages of one request after the other. */
class Series {
  readonly #path: TunnelPath
  readonly #times: number[] = []
  #tunnelMessages = 0
  #symbols = 0

  constructor (path: TunnelPath) {
    this.#path = path
  }

  /** `pause`: until all that the request caused has arrived, ms. */
  measure (request: () => void, pause: number): void {
    const { world, server } = this.#path
    const [started, sent, symbols] = [world.now, world.network.stats.tunnelMessagesSent, server.parity?.statistics.sent ?? 0]
    request()
    this.#times.push(world.now - started)
    this.#path.rest(pause)
    this.#tunnelMessages += world.network.stats.tunnelMessagesSent - sent
    this.#symbols += (server.parity?.statistics.sent ?? 0) - symbols
  }

  get result (): TunnelTimes {
    const times = this.#times
    const at = (share: number): number => Math.round(percentile(times, share))
    return {
      p50: at(0.5), p90: at(0.9), p99: at(0.99), worst: Math.round(Math.max(...times)), tunnelMessages: this.#tunnelMessages / times.length
    }
  }

  /** A symbol of parity takes two tunnel messages, but for those of small packets. */
  get parityShare (): number { return 2 * this.#symbols / (this.#tunnelMessages - 2 * this.#symbols) }
}
