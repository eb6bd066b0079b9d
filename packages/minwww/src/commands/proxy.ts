import type { Command } from 'commander'
import { addServiceCommand } from '../command.ts'

export function addProxy (program: Command): void {
  addServiceCommand(program, 'proxy', "the browser's HTTP proxy, over a pool of exits", async context => {
    const { runProxy } = await import('../run/proxy.ts')
    await runProxy(context)
  })
}
