import type { Command } from 'commander'
import { addServiceCommand } from '../command.ts'

export function addDemo (program: Command): void {
  addServiceCommand(program, 'demo', 'embedded router, exits and browser proxy in one process, with a small web site', async context => {
    const { runDemo } = await import('../run/demo.ts')
    await runDemo(context)
  })
}
