import { readdirSync, readlinkSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { memoryOf, processorTime } from '../measure.ts'
import type { Watched } from './world.ts'

/** What one process holds. Sizes in bytes; memory after a collection of garbage, where the process can do that. */
export interface ProcessSample {
  at: number
  name: string
  pid: number
  rss: number
  /** Open file descriptors, and how many of them are sockets. */
  fds: number
  sockets: number
  /** Processor time since its start, s. */
  cpu: number
  /** Files: state, keys and caches; and the log. */
  files: number
  log: number
  /** Of services of ours. */
  heap?: number
  buffers?: number
  timers?: number
  /** Whatever else keeps the event loop alive. */
  handles?: number
}

/** A sample of every process that runs. */
export async function sampleAll (watched: Watched[]): Promise<ProcessSample[]> {
  const samples = await Promise.all(watched.map(async one => await sampleOne(one).catch(() => undefined)))
  return samples.filter(sample => sample !== undefined)
}

/** Rejects for a process that has just ended. */
async function sampleOne ({ name, pid: pidOf, folder, service }: Watched): Promise<ProcessSample | undefined> {
  const pid = pidOf()
  if (pid === undefined) return undefined
  const inside = await service?.look()
  // A process that does not answer is paused or just ends: its figures would not be comparable.
  if (service !== undefined && inside === undefined) return undefined
  const links = readdirSync(`/proc/${pid}/fd`).map(fd => linkOf(`/proc/${pid}/fd/${fd}`))
  const { files, log } = sizesIn(folder)
  const timers = inside?.resources.filter(name => name === 'Timeout').length
  return {
    at: Date.now(),
    name,
    pid,
    rss: memoryOf(pid).now * 1_048_576,
    fds: links.length,
    sockets: links.filter(link => link.startsWith('socket:')).length,
    cpu: processorTime(pid),
    files,
    log,
    ...(inside === undefined || timers === undefined
      ? {}
      : { heap: inside.memory.heapUsed, buffers: inside.memory.arrayBuffers, timers, handles: inside.resources.length - timers })
  }
}

function linkOf (path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return '' // closed meanwhile
  }
}

/** Bytes of the files of a folder, those that are logs apart. */
function sizesIn (folder: string): { files: number, log: number } {
  const sizes = { files: 0, log: 0 }
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    try {
      const stat = statSync(join(folder, name))
      if (stat.isFile()) sizes[/(?:^|\/)log$|\.log$/.test(name) ? 'log' : 'files'] += stat.size
    } catch {
      // removed meanwhile
    }
  }
  return sizes
}
