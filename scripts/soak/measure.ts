import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const MEGABYTE = 1024 * 1024
/** Clock ticks of /proc a second, on every Linux. */
const TICKS = 100

/** What must not grow. Memory in MB, after a collection of garbage. */
export interface Sample {
  heap: number
  /** Buffers outside of the heap. */
  buffers: number
  rss: number
  sockets: number
  timers: number
}

/** What this process holds now. Needs `--expose-gc`. */
export function sample (): Sample {
  if (globalThis.gc === undefined) throw new Error('run it by npm, or with --expose-gc')
  globalThis.gc()
  const { heapUsed, arrayBuffers, rss } = process.memoryUsage()
  const resources = process.getActiveResourcesInfo()
  return {
    heap: heapUsed / MEGABYTE,
    buffers: arrayBuffers / MEGABYTE,
    rss: rss / MEGABYTE,
    sockets: resources.filter(name => /^(?:TCP|TLS|Pipe).*Wrap$/.test(name) && name !== 'TCPServerWrap').length,
    timers: resources.filter(name => name === 'Timeout').length
  }
}

/** Memory of another process now and at its highest, MB. */
export function memoryOf (pid: number): { now: number, peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1')
  const kilobytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? NaN)
  return { now: kilobytes('VmRSS') / 1024, peak: kilobytes('VmHWM') / 1024 }
}

/** Processor time that another process has used, s. */
export function processorTime (pid: number): number {
  const [, fields = ''] = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')
  const [user, system] = fields.split(' ').slice(11, 13).map(Number)
  return ((user ?? NaN) + (system ?? NaN)) / TICKS
}

/** A web server whose answer to /N is N bytes that do not compress; it takes what is sent. */
export async function startSite (): Promise<{ origin: string, close: () => void }> {
  const body = Buffer.from(Array.from({ length: MEGABYTE }, (_, index) => (index * 2_654_435_761 >>> 13) & 0xff))
  const server = createServer((request, response) => {
    request.resume()
    const size = Number(/^\/(\d+)/.exec(request.url ?? '')?.[1])
    response.setHeader('cache-control', 'no-store')
    response.setHeader('content-type', 'image/png')
    if (Number.isNaN(size)) response.statusCode = 404
    response.end(body.subarray(0, Math.min(body.length, size || 200)))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => { server.closeAllConnections(); server.close() }
  }
}

/** Numbers that are the same in every run: mulberry32, 0 to 1. */
export function seededNumbers (seed: number): () => number {
  let state = seed
  return () => {
    state = state + 0x6d2b79f5 | 0
    let mixed = Math.imul(state ^ state >>> 15, 1 | state)
    mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed
    return ((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32
  }
}

/** Sizes as on the web: most are small, up to 100 KB, log-uniform. */
export function pageSize (random: () => number): number {
  return Math.round(500 * 200 ** random())
}

export function percentile (values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN
}

/** Rows as a Markdown table. */
export function table (head: readonly string[], rows: ReadonlyArray<ReadonlyArray<string | number>>): string {
  const line = (cells: ReadonlyArray<string | number>): string => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

/**
 * Whether something grows: the last third of its samples against the first third after the warm-up, which is the first
 * sixth. `slack` is what it may vary by.
 */
export function grows (values: readonly number[], slack: number): boolean {
  const warm = values.slice(Math.ceil(values.length / 6))
  if (warm.length < 2) return false
  const third = Math.max(1, Math.floor(warm.length / 3))
  return Math.min(...warm.slice(-third)) > Math.max(...warm.slice(0, third)) + slack
}

/** What grows of the samples, by name; memory may vary by a tenth of itself. */
export function growing (samples: readonly Sample[]): string[] {
  const slack: Record<keyof Sample, number> = { heap: samples[0]!.heap / 10, buffers: 4, rss: samples[0]!.rss / 10, sockets: 2, timers: 2 }
  return (Object.keys(slack) as Array<keyof Sample>).filter(name => grows(samples.map(sample => sample[name]), slack[name]))
}
