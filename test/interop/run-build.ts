/** Runs a build command; its output appears only in the error. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'

const MAX_OUTPUT = 4000

export async function runBuild (command: string, args: readonly string[], cwd: string, environment: NodeJS.ProcessEnv = {}): Promise<void> {
  const child = spawn(command, args, { cwd, env: { ...process.env, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => { output = (output + text).slice(-MAX_OUTPUT) })
  }
  const [status] = await once(child, 'close') as [number | null]
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed (${status}):\n${output}`)
}
