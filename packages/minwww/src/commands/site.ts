import type { Command } from 'commander'
import { addServiceCommand } from '../command.ts'

export function addSite (program: Command): void {
  addServiceCommand(program, 'site', 'serve a web server as a site of I2P: messages for MinWWW, streams for others', async context => {
    const { runSite } = await import('../run/site.ts')
    await runSite(context)
  })
}
