import type { Command } from 'commander'
import { addCommonOptions, addRouterOptions, contextOf } from '../command.ts'
import { CliError, explain, UsageError } from '../errors.ts'

interface LookupFlags { router: string, allowPlainRemote?: boolean, timeout: string }

export function addLookup (program: Command): void {
  const command = addRouterOptions(
    addCommonOptions(
      program.command('lookup').description('find the Destination behind a name, a b32 address or a b33 address').argument('<NAME>')
    )
  )
    .option('--timeout <SECONDS>', 'longest wait for the answer', '60')
  command.action(async (name: string) => {
    const { router, allowPlainRemote = false, timeout } = command.opts<LookupFlags>()
    const seconds = Number(timeout)
    if (!(seconds > 0 && seconds <= 3600)) throw new UsageError('--timeout: give seconds from 1 to 3600')
    const { logger, reporter } = await contextOf(command, {})
    const { openSession } = await import('../router-options.ts')
    const session = await openSession({ router, allowPlainRemote }, undefined, logger, reporter, 'lookup')
    try {
      const { base64, b32 } = await session.lookup(name, { timeout: seconds * 1000 })
        .catch((error: unknown) => { throw new CliError('MINWWW_NOT_FOUND', `${name}: ${explain(error).message}`, 1, { cause: error }) })
      reporter.ready({ name, destination: base64, b32 }, [`b32          ${b32}`, `destination  ${base64}`])
    } finally {
      await session.close()
    }
  })
}
