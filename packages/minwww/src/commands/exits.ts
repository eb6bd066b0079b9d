import { Option, type Command } from 'commander'
import { addCommonOptions, addRouterOptions } from '../command.ts'

export function addExits (program: Command): void {
  const exits = program.command('exits').description('what exits say of themselves, and lists of them')
  addShow(exits)
  addPublish(exits)
  addCheck(exits)
  addRevoke(exits)
}

function addShow (exits: Command): void {
  const command = addTimeout(addRouterOptions(addCommonOptions(
    exits.command('show').description('ask an exit what it is, and check what it says')
      .argument('<DEST>', 'base64 Destination, b32 address or name')
  )))
  command.action(async (name: string) => {
    const { runShow } = await import('../run/exits.ts')
    await runShow(command, name)
  })
}

function addPublish (exits: Command): void {
  const command = addTimeout(addRouterOptions(addCommonOptions(
    exits.command('publish').description('make a list of the exits that answer, for a web server to serve')
  )))
    .option('--exit <DEST...>', 'exit: base64 Destination, b32 address or name (repeatable)')
    .option('--exits <FILE>', 'file with one exit per line, # starts a comment; may be an older list, whose revocations are kept')
    .option('--out <FILE>', 'where the list goes, readable by everybody; standard output if it is not given')
  command.action(async () => {
    const { runPublish } = await import('../run/exits.ts')
    await runPublish(command)
  })
}

function addCheck (exits: Command): void {
  const command = addCommonOptions(
    exits.command('check').description('check every line of a list').argument('<FILE>', 'a list, or - for standard input')
  )
  command.action(async (file: string) => {
    const { runCheck } = await import('../run/exits.ts')
    await runCheck(command, file)
  })
}

function addRevoke (exits: Command): void {
  const command = addCommonOptions(
    exits.command('revoke').description('sign that an exit is no more; publishers put the line into their lists')
      .argument('<FILE>', 'key file of the exit')
  )
  command.action(async (file: string) => {
    const { runRevoke } = await import('../run/exits.ts')
    await runRevoke(command, file)
  })
}

const addTimeout = (command: Command): Command =>
  command.addOption(new Option('--timeout <SECONDS>', 'longest wait for one exit').default('60'))
