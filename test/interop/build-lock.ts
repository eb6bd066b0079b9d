/** One build at a time, although test files run in several processes: a folder is the lock, its owner's id is in it. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const RETRY_MS = 200

export async function withLock<T> (folder: string, work: () => Promise<T>): Promise<T> {
  while (!take(folder)) await sleep(RETRY_MS)
  try {
    return await work()
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function take (folder: string): boolean {
  try {
    mkdirSync(folder)
    writeFileSync(join(folder, 'owner'), String(process.pid))
    return true
  } catch {
    if (!isOwned(folder)) rmSync(folder, { recursive: true, force: true })
    return false
  }
}

function isOwned (folder: string): boolean {
  const file = join(folder, 'owner')
  if (!existsSync(file)) return true // just being made
  try {
    process.kill(Number(readFileSync(file, 'latin1')), 0)
    return true
  } catch {
    return false
  }
}
