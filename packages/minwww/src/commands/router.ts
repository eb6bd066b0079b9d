import type { Command } from 'commander'
import { addServiceCommand } from '../command.ts'

export function addRouter (program: Command): void {
  addServiceCommand(program, 'router', 'an I2CP router with a modelled network, for tests and trials', async context => {
    const { runRouter } = await import('../run/router.ts')
    await runRouter(context)
  })
}
