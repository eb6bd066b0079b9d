/** A closed network is gone after `stop()`: no namespace, no process, no file. */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import type { TestNetwork } from './network.ts'

/** Its guard looks once a second whether it is still needed. */
const PATIENCE_MS = 10_000

export async function leavesNothing (t: Test, network: TestNetwork): Promise<void> {
  const { namespaces, processes, directory } = remainsOf(network)
  t.ok(namespaces.length > 0 && processes.length > 0 && directory, 'there is something to remove')
  await network.stop()
  const deadline = performance.now() + PATIENCE_MS
  while (remainsOf(network).processes.length > 0 && performance.now() < deadline) await sleep(100)
  t.strictSame(remainsOf(network), { namespaces: [], processes: [], directory: false })
}

function remainsOf ({ prefix, directory }: TestNetwork): { namespaces: string[], processes: string[], directory: boolean } {
  const { stdout } = spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' })
  return {
    namespaces: stdout.split('\n').map(line => line.split(' ', 1)[0] ?? '').filter(name => name.startsWith(`${prefix}-`)),
    processes: readdirSync('/proc').filter(name => /^\d+$/.test(name)).map(commandLine).filter(line => line.includes(directory)),
    directory: existsSync(directory)
  }
}

/** Empty for a process that has ended. */
function commandLine (pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ')
  } catch {
    return ''
  }
}
