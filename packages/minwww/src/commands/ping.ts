import type { Command } from 'commander'
import { addCommonOptions } from '../command.ts'

export function addPing (program: Command): void {
  const command = addCommonOptions(program.command('ping').description('measure the round trip to a Destination with streaming pings').argument('<DEST>', 'base64 Destination, b32 address or name'))
    .requiredOption('--router <HOST:PORT>', 'I2CP address of the router')
    .option('--allow-plain-remote', 'allow I2CP without TLS to a router that is not on this machine')
    .option('--i2cp-option <NAME=VALUE...>', 'I2CP session option, for example inbound.length=1 (repeatable)')
    .option('--count <N>', 'number of pings', '4')
  command.action(async (name: string) => {
    const { runPing } = await import('../run/ping.ts')
    await runPing(command, name)
  })
}
