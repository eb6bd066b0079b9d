import { readAsset } from '@minwww/ground/node'
import { Command, CommanderError } from 'commander'
import { addDemo } from './commands/demo.ts'
import { addRouter } from './commands/router.ts'
import { addExit } from './commands/exit.ts'
import { addExits } from './commands/exits.ts'
import { addBrowse } from './commands/browse.ts'
import { addProxy } from './commands/proxy.ts'
import { addSite } from './commands/site.ts'
import { addKeys } from './commands/keys.ts'
import { addConfig } from './commands/config.ts'
import { addDoctor } from './commands/doctor.ts'
import { addLookup } from './commands/lookup.ts'
import { addPing } from './commands/ping.ts'
import { addTunnel } from './commands/tunnel.ts'
import { addBench } from './commands/bench.ts'
import { UsageError } from './errors.ts'

const { version } = JSON.parse(readAsset(new URL('../package.json', import.meta.url)).toString()) as { version: string }

/** The command line. Parsing errors are thrown as UsageError with one line that says what to do. */
export function createProgram (): Command {
  const program = new Command('minwww')
    .description('UDP-like HTTP over I2P: a browser proxy, exits, and an embedded router')
    .version(version)
    .showHelpAfterError(false)
  for (const add of [
    addDemo, addBrowse, addProxy, addExit, addExits, addSite, addRouter, addKeys, addLookup, addDoctor, addPing, addTunnel, addBench,
    addConfig
  ]) add(program)
  throwUsageErrors(program)
  return program
}

/** Commander would print and exit by itself; here every error takes the same way out. */
function throwUsageErrors (command: Command): void {
  command
    .configureOutput({ outputError: () => {} })
    .exitOverride((error: CommanderError) => {
      if (error.exitCode === 0) process.exit(0)
      if (error.code === 'commander.help') process.exit(2)
      const text = error.message.replace(/^error: /, '').replace(/\.$/, '').replaceAll('\n', ' ')
      throw new UsageError(`${text}; see '${pathOf(command)} --help'`)
    })
  for (const subcommand of command.commands) throwUsageErrors(subcommand)
}

function pathOf (command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`
}
