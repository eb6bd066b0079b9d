import type { Command } from 'commander'
import { addServiceCommand } from '../command.ts'

export function addExit (program: Command): void {
  addServiceCommand(program, 'exit', 'an exit: fetches pages for clients, and serves sites by name', async context => {
    const { runExit } = await import('../run/exit.ts')
    await runExit(context)
  })
}
