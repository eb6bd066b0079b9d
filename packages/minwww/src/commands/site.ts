import type { Command } from 'commander'
import { addServiceCommand } from '../command.ts'

export function addSite (program: Command): void {
  addServiceCommand(program, 'site', 'a web site of I2P from a web server: streams for everybody, messages for MinWWW', async context => {
    const { runSite } = await import('../run/site.ts')
    await runSite(context)
  })
}
