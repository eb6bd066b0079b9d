import type { Command } from 'commander'
import { loadOrCreateKeys } from '@minwww/i2cp'
import { createExit } from '@minwww/server'
import { createStreamManager } from '@minwww/streaming'
import { addServiceCommand, type Context } from '../command.ts'
import type { Settings } from '../config/schema.ts'
import { parseSites } from '../address.ts'
import { explain } from '../errors.ts'
import { runService } from '../lifecycle.ts'
import { exitLimits } from '../limits.ts'
import { openSession } from '../router-options.ts'

export function addExit (program: Command): void {
  addServiceCommand(program, 'exit', 'an exit: fetches pages for clients, and serves sites by name', runExit)
}

async function runExit ({ settings, logger, reporter }: Context<Settings<'exit'>>): Promise<void> {
  const sites = parseSites(settings.site)
  const { keys: file } = settings
  const keys = file === undefined ? undefined : await loadOrCreateKeys(file).catch((error: unknown) => { throw explain(error, file) })
  await runService(logger, async closers => {
    const session = closers.add(await openSession(settings, keys, logger, reporter, 'exit'), session => session.close())
    const streams = closers.add(createStreamManager(session), streams => streams.close())
    const exit = closers.add(await createExit({ session, streams, sites, logger, logUrls: settings.logUrls, ...exitLimits(settings) }), exit => exit.close())
    const { base64, b32 } = exit.destination
    reporter.ready({ destination: base64, b32 }, [`exit ready: ${b32}`, `destination: ${base64}`])
  })
}
