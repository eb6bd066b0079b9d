import {
  spawn, type ChildProcess, type ChildProcessByStdio, type ChildProcessWithoutNullStreams, type SpawnOptions
} from 'node:child_process'
import { existsSync } from 'node:fs'
import type { Readable } from 'node:stream'

const SETPRIV = '/usr/bin/setpriv'

export interface BoundOptions extends SpawnOptions {
  /** What the program gets when this process is gone; TERM for one that has children of its own. Default KILL. */
  deathSignal?: 'KILL' | 'TERM'
}

/**
 * Starts a program that does not outlive this process, even when this is killed by a test's time limit: no teardown runs
 * then. On Linux only; elsewhere it is an ordinary child.
 */
export function spawnBound (
  file: string, args: readonly string[], options: BoundOptions & { stdio: ['ignore', 'pipe', 'pipe'] }
): ChildProcessByStdio<null, Readable, Readable>
export function spawnBound (
  file: string, args: readonly string[], options: BoundOptions & { stdio: 'pipe' }
): ChildProcessWithoutNullStreams
export function spawnBound (file: string, args: readonly string[], options: BoundOptions): ChildProcess
export function spawnBound (file: string, args: readonly string[], { deathSignal = 'KILL', ...options }: BoundOptions): ChildProcess {
  if (!existsSync(SETPRIV)) return spawn(file, args, options)
  return spawn(SETPRIV, ['--pdeathsig', deathSignal, '--', file, ...args], options)
}
