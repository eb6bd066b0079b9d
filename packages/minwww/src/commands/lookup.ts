import type { Command } from 'commander'
import type { Destination } from '@minwww/i2cp'
import { addCommonOptions, addRouterOptions, contextOf } from '../command.ts'
import { CliError, explain, UsageError } from '../errors.ts'

/** For an answer without a session, ms: a router has it at hand, or asks the network with tunnels of its own. */
const QUICK = 5_000

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
    const { openSession, routerOptions } = await import('../router-options.ts')
    const { lookupWithoutSession } = await import('@minwww/i2cp')
    const print = ({ base64, b32 }: Destination): void => {
      reporter.ready({ name, destination: base64, b32 }, [`b32          ${b32}`, `destination  ${base64}`])
    }
    // Needs no tunnels. What goes wrong here is told by the session.
    const quick = await lookupWithoutSession(name, {
      ...routerOptions({ router, allowPlainRemote }, logger), timeout: Math.min(QUICK, seconds * 1000)
    }).catch(() => undefined)
    if (quick !== undefined) return print(quick)
    const session = await openSession({ router, allowPlainRemote }, undefined, logger, reporter, 'lookup')
    try {
      print(await session.lookup(name, { timeout: seconds * 1000 })
        .catch((error: unknown) => { throw new CliError('MINWWW_NOT_FOUND', `${name}: ${explain(error).message}`, 1, { cause: error }) }))
    } finally {
      await session.close()
    }
  })
}
