import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Closers } from '@minwww/ground/node'
import type { Address } from '../fetch.ts'
import type { Missing } from '../missing.ts'
import type { EndPlan, EndReady } from './end.ts'

/** A design with its two ends in processes of their own. */
export interface LoadDesign {
  readonly design: string
  readonly label: string
  /** Where each client's browser connects to. */
  readonly via: Address[]
  /** CPU used so far by the processes of the clients and of the server, ms. */
  cpu: () => Promise<{ client: number, server: number }>
  close: () => Promise<void>
}

const START_TIMEOUT = 120_000
const END = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? './end.ts' : './end.js', import.meta.url))

/** Why there are no processes of their own here, or undefined. */
export function loadMissing (): Missing | undefined {
  if (existsSync(END)) return undefined
  return { reason: 'its processes need the package as files', hint: 'install the packages, or run it in a clone of the repository' }
}

/** Starts the server's end, then that of the clients. Rejects if one ends, or is not ready in two minutes. */
export async function startLoadDesign (
  { design, label }: { design: string, label: string }, plan: Omit<EndPlan, 'side' | 'destination'>
): Promise<LoadDesign> {
  const closers = new Closers()
  try {
    const server = closers.add(await startEnd({ ...plan, side: 'server', destination: '' }), stop)
    const client = closers.add(await startEnd({ ...plan, side: 'client', destination: server.ready.destination }), stop)
    return {
      design,
      label,
      via: client.ready.via,
      cpu: async () => ({ client: await cpuOf(client.child), server: await cpuOf(server.child) }),
      close: async () => await closers.close()
    }
  } catch (error) {
    await closers.close()
    throw error
  }
}

interface End { child: ChildProcess, ready: EndReady }

async function startEnd (plan: EndPlan): Promise<End> {
  const child = fork(END, [JSON.stringify(plan)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  try {
    return { child, ready: await answer<EndReady>(child) }
  } catch (error) {
    await stop({ child })
    throw error
  }
}

async function cpuOf (child: ChildProcess): Promise<number> {
  child.send('cpu')
  return await answer<number>(child)
}

async function answer<T> (child: ChildProcess): Promise<T> {
  const signal = AbortSignal.timeout(START_TIMEOUT)
  const ended = once(child, 'exit', { signal }).then(([code]) => { throw new Error(`an end of a design ended (${String(code)})`) })
  const [message] = await Promise.race([once(child, 'message', { signal }), ended]) as [T]
  ended.catch(() => {})
  return message
}

async function stop ({ child }: Pick<End, 'child'>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}
