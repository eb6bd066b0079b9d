import type { Command } from 'commander'
import { addCommonOptions, addRouterOptions } from '../command.ts'

export function addPing (program: Command): void {
  const command = addRouterOptions(
    addCommonOptions(
      program.command('ping').description('measure the round trip to a Destination with streaming pings').argument(
        '<DEST>', 'base64 Destination, b32 address or name'
      )
    )
  )
    .option('--i2cp-option <NAME=VALUE...>', 'I2CP session option, for example inbound.length=1 (repeatable)')
    .option('--count <N>', 'number of pings', '4')
  command.action(async (name: string) => {
    const { runPing } = await import('../run/ping.ts')
    await runPing(command, name)
  })
}
